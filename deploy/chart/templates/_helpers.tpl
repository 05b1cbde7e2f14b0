{{- define "micromoments.name" -}}
{{- printf "%s-micromoments" .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- define "micromoments.labels" -}}
app.kubernetes.io/name: micromoments
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}
