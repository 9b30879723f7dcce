{{- define "sandbox.name" -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "sandbox.operator" -}}{{ include "sandbox.name" . }}-operator{{- end -}}
{{- define "sandbox.api" -}}{{ include "sandbox.name" . }}-api{{- end -}}

{{- define "sandbox.namespace" -}}
{{- if eq .Values.sandboxes.namespace .Release.Namespace }}
{{- fail "sandboxes.namespace must not be the release namespace: sandboxes live apart from the control plane" }}
{{- end -}}
{{- .Values.sandboxes.namespace -}}
{{- end -}}

{{- define "sandbox.labels" -}}
app.kubernetes.io/part-of: sandbox
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{/* Annotations of what sandboxes need while no release is there: it stays with them. */}}
{{- define "sandbox.keptWithSandboxes" -}}
{{- if not .Values.sandboxes.endOnUninstall -}}
annotations:
  helm.sh/resource-policy: keep
{{- end -}}
{{- end -}}

{{/* Of (list . "operator"): what selects the pods of one component. */}}
{{- define "sandbox.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: sandbox-{{ index . 1 }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
{{- end -}}

{{/* Of (list . "sandbox-operator"): the whole name of an image. */}}
{{- define "sandbox.image" -}}
{{- $root := index . 0 -}}
{{- with $root.Values.images.registry }}{{ trimSuffix "/" . }}/{{ end -}}
{{ index . 1 }}:{{ $root.Values.images.tag | default $root.Chart.AppVersion }}
{{- end -}}

{{- define "sandbox.executorKeySecret" -}}
{{- .Values.executorKey.existingSecret | default (printf "%s-executor-key" (include "sandbox.name" .)) -}}
{{- end -}}

{{- define "sandbox.apiCallersSecret" -}}
{{- .Values.api.auth.existingSecret | default (printf "%s-api-callers" (include "sandbox.name" .)) -}}
{{- end -}}

{{/* What the images of all pods of this release are pulled with. */}}
{{- define "sandbox.pullSecrets" -}}
{{- with .Values.images.pullSecrets -}}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* Of what a server reads at its start: tells one from another, and is too short to tell a weak password by. */}}
{{- define "sandbox.accountChecksum" -}}
{{ . | sha256sum | trunc 8 | quote }}
{{- end -}}

{{/* Of (list . component values): what the pods of both components have in common. */}}
{{- define "sandbox.podSpec" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- $values := index . 2 -}}
serviceAccountName: {{ include (printf "sandbox.%s" $component) $root }}
{{- with $root.Values.priorityClass.name }}
priorityClassName: {{ . }}
{{- end }}
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  seccompProfile: { type: RuntimeDefault }
{{- with include "sandbox.pullSecrets" $root }}
{{ . }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
affinity:
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels: {{- include "sandbox.selector" (list $root $component) | nindent 14 }}
{{- end -}}

{{/* Of a container that needs nothing but the network. */}}
{{- define "sandbox.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end -}}

{{/* Egress rule to the API server; it is reached by address, so no DNS is needed. Metadata services stay closed whatever the range. */}}
{{- define "sandbox.toApiServer" -}}
- to:
    {{- range .Values.networkPolicy.apiServer.cidrs }}
    - ipBlock:
        cidr: {{ . | quote }}
        {{- if eq . "0.0.0.0/0" }}
        except: [169.254.0.0/16]
        {{- else if eq . "::/0" }}
        except: ['fe80::/10', 'fd00:ec2::/32']
        {{- end }}
    {{- end }}
  ports:
    {{- range .Values.networkPolicy.apiServer.ports }}
    - { port: {{ . }}, protocol: TCP }
    {{- end }}
{{- end -}}

{{/* The name of the S3 server for evaluation, and of everything that belongs to it. */}}
{{- define "sandbox.evaluationStorage" -}}
{{ .Release.Name }}-storage
{{- end }}

{{/* Whether files are kept at all. */}}
{{- define "sandbox.hasStorage" -}}
{{- if or .Values.storage.bucket .Values.storage.evaluationServer.enabled }}true{{ end }}
{{- end }}

{{- define "sandbox.storageSecret" -}}
{{- if .Values.storage.evaluationServer.enabled }}{{ include "sandbox.evaluationStorage" . }}{{ else }}{{ .Values.storage.existingSecret }}{{ end }}
{{- end }}

{{/* The name of the MariaDB for evaluation, and of everything that belongs to it. */}}
{{- define "sandbox.evaluationDatabase" -}}
{{ .Release.Name }}-mariadb
{{- end }}

{{/* Of a password: the statements that make the database and its account what they must be. */}}
{{- define "sandbox.databaseAccount" -}}
CREATE DATABASE IF NOT EXISTS sandbox;
CREATE USER IF NOT EXISTS sandbox@'%';
ALTER USER sandbox@'%' IDENTIFIED BY '{{ . }}';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, DROP ON sandbox.* TO sandbox@'%';
{{ end }}

{{/* It takes connections once those statements have run: a query of that account needs all of it. */}}
{{- define "sandbox.databaseProbe" -}}
[mariadb, --defaults-file=/etc/sandbox/database/client.cnf, --socket=/tmp/mariadb.sock, --execute=SELECT 1, sandbox]
{{- end }}

{{- define "sandbox.databaseSecret" -}}
{{- if .Values.history.evaluationServer.enabled }}{{ include "sandbox.evaluationDatabase" . }}{{ else }}{{ .Values.history.database.existingSecret }}{{ end }}
{{- end }}

{{- define "sandbox.historyEnv" -}}
{{- with include "sandbox.databaseSecret" . }}
- { name: DATABASE_URL, valueFrom: { secretKeyRef: { name: {{ . | quote }}, key: url } } }
{{- end }}
{{- end }}

{{/* The way of operator and REST API to the database, and to the name that it has. */}}
{{- define "sandbox.toDatabase" -}}
{{- if .Values.history.evaluationServer.enabled }}
- to:
    - podSelector:
        matchLabels: {{- include "sandbox.selector" (list . "mariadb") | nindent 10 }}
  ports: [{ port: 3306, protocol: TCP }]
{{- else if and .Values.history.database.existingSecret .Values.history.database.egress.cidrs }}
- to:
    {{- range .Values.history.database.egress.cidrs }}
    - ipBlock:
        cidr: {{ . | quote }}
        {{- if eq . "0.0.0.0/0" }}
        except: [169.254.0.0/16]
        {{- else if eq . "::/0" }}
        except: ['fe80::/10']
        {{- end }}
    {{- end }}
  ports:
    {{- range .Values.history.database.egress.ports }}
    - { port: {{ . }}, protocol: TCP }
    {{- end }}
{{- end }}
{{- if include "sandbox.databaseSecret" . }}
- to:
    - namespaceSelector:
        matchLabels: { kubernetes.io/metadata.name: kube-system }
  ports: [{ port: 53, protocol: UDP }, { port: 53, protocol: TCP }]
{{- end }}
{{- end }}

{{- define "sandbox.storageEnv" -}}
{{- if include "sandbox.hasStorage" . }}
- { name: SANDBOX_S3_BUCKET, value: {{ default "sandbox-workspace" .Values.storage.bucket | quote }} }
- { name: SANDBOX_S3_REGION, value: {{ .Values.storage.region | quote }} }
{{- if .Values.storage.evaluationServer.enabled }}
- { name: SANDBOX_S3_ENDPOINT, value: {{ printf "http://%s.%s.svc:7070" (include "sandbox.evaluationStorage" .) .Release.Namespace | quote }} }
{{- else if .Values.storage.endpoint }}
- { name: SANDBOX_S3_ENDPOINT, value: {{ .Values.storage.endpoint | quote }} }
{{- end }}
{{- with .Values.storage.publicEndpoint }}
- { name: SANDBOX_S3_PUBLIC_ENDPOINT, value: {{ . | quote }} }
{{- end }}
{{- if include "sandbox.storageSecret" . }}
- { name: SANDBOX_S3_ACCESS_KEY_ID_FILE, value: /etc/sandbox/storage/accessKeyId }
- { name: SANDBOX_S3_SECRET_ACCESS_KEY_FILE, value: /etc/sandbox/storage/secretAccessKey }
{{- end }}
{{- end }}
{{- end }}

{{- define "sandbox.storageMount" -}}
{{- if include "sandbox.storageSecret" . }}
- { name: storage-keys, mountPath: /etc/sandbox/storage, readOnly: true }
{{- end }}
{{- end }}

{{- define "sandbox.storageVolume" -}}
{{- with include "sandbox.storageSecret" . }}
- name: storage-keys
  secret:
    secretName: {{ . }}
    items: [{ key: accessKeyId, path: accessKeyId }, { key: secretAccessKey, path: secretAccessKey }]
    defaultMode: 0440
{{- end }}
{{- end }}

{{/* The way of operator and REST API to the object store, and to the names that it takes. */}}
{{- define "sandbox.toStorage" -}}
{{- if .Values.storage.evaluationServer.enabled }}
- to:
    - podSelector:
        matchLabels: {{- include "sandbox.selector" (list . "storage") | nindent 10 }}
  ports: [{ port: 7070, protocol: TCP }]
{{- else if and .Values.storage.bucket .Values.storage.egress.cidrs }}
- to:
    {{- range .Values.storage.egress.cidrs }}
    - ipBlock:
        cidr: {{ . | quote }}
        {{- if eq . "0.0.0.0/0" }}
        except: [169.254.0.0/16]
        {{- else if eq . "::/0" }}
        except: ['fe80::/10']
        {{- end }}
    {{- end }}
  ports:
    {{- range .Values.storage.egress.ports }}
    - { port: {{ . }}, protocol: TCP }
    {{- end }}
{{- end }}
{{- if include "sandbox.hasStorage" . }}
- to:
    - namespaceSelector:
        matchLabels: { kubernetes.io/metadata.name: kube-system }
  ports: [{ port: 53, protocol: UDP }, { port: 53, protocol: TCP }]
{{- end }}
{{- end }}

{{/* Certificates besides the public ones, where they are named. */}}
{{- define "sandbox.certificatesEnv" -}}
{{- if .Values.trustedCertificates }}
- { name: NODE_EXTRA_CA_CERTS, value: /etc/sandbox/certificates/ca.crt }
{{- end }}
{{- end }}

{{- define "sandbox.certificatesMount" -}}
{{- if .Values.trustedCertificates }}
- { name: certificates, mountPath: /etc/sandbox/certificates, readOnly: true }
{{- end }}
{{- end }}

{{- define "sandbox.certificatesVolume" -}}
{{- with .Values.trustedCertificates }}
- name: certificates
  configMap:
    name: {{ . }}
    items: [{ key: ca.crt, path: ca.crt }]
{{- end }}
{{- end }}
