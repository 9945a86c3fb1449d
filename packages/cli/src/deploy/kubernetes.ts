import { imageFiles } from './image.js';
import type { DeployFacts, DeployPlan } from './plan.js';

/** One server with files on a volume. */
export function kubernetesPlan(facts: DeployFacts): DeployPlan {
  const { image } = facts;
  return {
    files: [
      ...imageFiles(facts),
      { path: 'kustomization.yml', text: 'resources: [xlink.yml]\n' },
      { path: 'xlink.yml', text: manifest(facts) },
    ],
    next: [
      `docker build -t ${image} . and push it to where the cluster finds it`,
      'name the namespaces of your ingress and of Prometheus in the NetworkPolicy of xlink.yml: nobody else gets in',
      'kubectl apply -k .',
      'kubectl -n xlink logs xlink-0 shows the admin token, once',
      `let your ingress lead to service xlink, port 3300, with TLS, for ${facts.host}, and let bodies of 20 MiB through below /v1/groups (nginx.ingress.kubernetes.io/proxy-body-size: 20m)`,
    ],
  };
}

const manifest = ({ host, image }: DeployFacts): string => `apiVersion: v1
kind: Namespace
metadata:
  name: xlink
  labels: { pod-security.kubernetes.io/enforce: restricted }
---
apiVersion: v1
kind: Service
metadata: { name: xlink, namespace: xlink }
spec:
  selector: { app.kubernetes.io/name: xlink }
  ports: [{ name: http, port: 3300, targetPort: http }]
---
# One: files are for one process. For several use --store and a Deployment.
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: xlink, namespace: xlink }
spec:
  replicas: 1
  serviceName: xlink
  selector:
    matchLabels: { app.kubernetes.io/name: xlink }
  template:
    metadata:
      labels: { app.kubernetes.io/name: xlink }
    spec:
      automountServiceAccountToken: false
      enableServiceLinks: false
      terminationGracePeriodSeconds: 20 # it needs ten at most
      securityContext:
        runAsNonRoot: true
        runAsUser: 1000
        runAsGroup: 1000
        fsGroup: 1000
        fsGroupChangePolicy: OnRootMismatch # or the group could write to what is the server's alone, which it refuses
        seccompProfile: { type: RuntimeDefault }
      containers:
        - name: xlink
          image: ${image}
          args: [serve, --host, 0.0.0.0, --data, /data/xlink, --behind-proxy, --public-url, 'https://${host}']
          ports: [{ name: http, containerPort: 3300 }]
          readinessProbe:
            httpGet: { path: /ready, port: http }
            periodSeconds: 5
            timeoutSeconds: 3
          # Never /ready: a restart brings no store back.
          livenessProbe:
            httpGet: { path: /health, port: http }
            periodSeconds: 10
            timeoutSeconds: 5
          resources:
            requests: { cpu: 100m, memory: 160Mi }
            limits: { memory: 512Mi }
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: { drop: [ALL] }
          volumeMounts:
            - { name: data, mountPath: /data }
  volumeClaimTemplates:
    - metadata: { name: data }
      spec:
        accessModes: [ReadWriteOncePod]
        resources: { requests: { storage: 5Gi } }
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: xlink, namespace: xlink }
spec:
  podSelector:
    matchLabels: { app.kubernetes.io/name: xlink }
  policyTypes: [Ingress, Egress] # it calls nobody
  ingress:
    # The namespaces of your ingress, which writes X-Forwarded-For, and of Prometheus. Who else gets here could claim any address.
    - from:
        - namespaceSelector:
            matchLabels: { kubernetes.io/metadata.name: ingress-nginx }
        - namespaceSelector:
            matchLabels: { kubernetes.io/metadata.name: monitoring }
      ports: [{ protocol: TCP, port: 3300 }]
`;
