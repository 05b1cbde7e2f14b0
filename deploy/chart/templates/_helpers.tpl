{{- define "micromoments.name" -}}
{{- printf "%s-micromoments" .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- define "micromoments.labels" -}}
app.kubernetes.io/name: micromoments
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}
{{/* What every pod has: no rights, and where it may run. */}}
{{- define "micromoments.pod" -}}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.serviceAccountName }}
serviceAccountName: {{ . }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
