{{/* At most 52 characters: to a StatefulSet's name Kubernetes adds eleven, for a label of at most 63. */}}
{{- define "micromoments.name" -}}
{{- printf "%s-micromoments" .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- define "micromoments.labels" -}}
app.kubernetes.io/name: micromoments
app.kubernetes.io/instance: {{ .Release.Name | quote }}
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
