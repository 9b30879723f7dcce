import { kubectl } from './cluster.ts';

const CLUSTER_WIDE =
  'crd,priorityclass,validatingadmissionpolicy,validatingadmissionpolicybinding,namespace,clusterrole,clusterrolebinding';
const NAMESPACED =
  'all,secret,configmap,serviceaccount,role,rolebinding,networkpolicy,pdb,hpa,lease,ingress,job,pvc';
const NAMED = ['-o', 'custom-columns=KIND:.kind,NAME:.metadata.name', '--no-headers'];

/** Everything in the cluster that carries our label, and everything in a namespace but what Kubernetes puts into each. */
export async function leftoversIn(namespace: string): Promise<readonly string[]> {
  const label = '--selector=app.kubernetes.io/part-of=sandbox';
  const cluster = await kubectl(['get', CLUSTER_WIDE, label, ...NAMED]);
  const own = await kubectl(['--namespace', namespace, 'get', NAMESPACED, ...NAMED]);
  return [...lines(cluster), ...lines(own)]
    .map((line) => line.replace(/^CustomResourceDefinition/, 'crd').replaceAll(/\s+/g, ' '))
    .filter((line) => !['ConfigMap kube-root-ca.crt', 'ServiceAccount default'].includes(line))
    .sort();
}

function lines(text: string): readonly string[] {
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('No resources'));
}
