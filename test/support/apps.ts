/**
 * Programs that the tests serve: Debian's nginx from the built-in image, answering `HOSTNAME CLIENT-ADDRESS`.
 */

export interface WebApp {
  readonly replicas?: number;
  /** Container port; 8080 unless set. */
  readonly port?: number;
  /** Name of that port in the pod. */
  readonly portName?: string;
  /** Extra lines of the pod's spec, YAML, indented by six. */
  readonly podSpec?: string;
}

const nginxConf = (
  port: number,
): string => `daemon off; error_log /dev/stderr; pid /tmp/nginx.pid; worker_processes 1; events {}
    http { access_log off; client_body_temp_path /tmp/b; proxy_temp_path /tmp/p; fastcgi_temp_path /tmp/f; uwsgi_temp_path /tmp/u; scgi_temp_path /tmp/s;
      server { listen ${port}; listen [::]:${port}; location / { default_type text/plain; return 200 "$hostname $remote_addr\\n"; } } }`;

/** ConfigMap and Deployment `name`, label app=name. Ready when nginx answers. */
export function webApp(name: string, app: WebApp = {}): string {
  const port = app.port ?? 8080;
  return `
apiVersion: v1
kind: ConfigMap
metadata: { name: ${name}-nginx }
data:
  nginx.conf: |
    ${nginxConf(port)}
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, labels: { app: ${name} } }
spec:
  replicas: ${app.replicas ?? 1}
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec:
      terminationGracePeriodSeconds: 1
${app.podSpec ?? ''}
      containers:
        - name: web
          image: portolan.local/host
          command: [nginx, -c, /etc/web/nginx.conf]
          ports: [{ containerPort: ${port}, name: ${app.portName ?? 'http'} }]
          readinessProbe: { httpGet: { path: /, port: ${port} }, periodSeconds: 1 }
          volumeMounts: [{ name: conf, mountPath: /etc/web }]
      volumes: [{ name: conf, configMap: { name: ${name}-nginx } }]
`;
}

/** A pod that only waits: a vantage inside the cluster. */
export function clientPod(name: string, nodeName?: string): string {
  return `
apiVersion: v1
kind: Pod
metadata: { name: ${name}, labels: { role: client } }
spec:
  terminationGracePeriodSeconds: 0
${nodeName === undefined ? '' : `  nodeName: ${nodeName}`}
  containers: [{ name: client, image: portolan.local/host, command: [sleep, '86400'] }]
`;
}
