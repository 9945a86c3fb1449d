// The alert rules for the Prometheus operator: node deploy/kubernetes/monitoring/prometheus-rule.mjs | kubectl apply -f -
import { readFileSync } from 'node:fs';

const rules = readFileSync(new URL('../../../dashboards/rules.yml', import.meta.url), 'utf8');

console.log(`apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: xlink-app
  namespace: xlink
spec:
${rules.replace(/^(?=.)/gm, '  ').trimEnd()}`);
