import { KubeConfig } from '@kubernetes/client-node';

export interface KubeConfigOptions {
  /** A kubeconfig file. Absent: $KUBECONFIG, then ~/.kube/config, then the pod's service account. */
  readonly path?: string;
}

/** Finds out where the API server is and who we are to it. */
export function loadKubeConfig({ path }: KubeConfigOptions = {}): KubeConfig {
  const config = new KubeConfig();
  if (path === undefined) config.loadFromDefault();
  else config.loadFromFile(path);
  return config;
}
