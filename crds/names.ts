/** Every name that this project puts into other people's objects: group, labels, annotations, finalizers. */

export const GROUP = 'sandbox.ai';
export const VERSION = 'v1alpha1';
export const API_VERSION = `${GROUP}/${VERSION}`;

export const LABEL = {
  /** On pods that were started for a Sandbox: its name, hashed where it is too long for a label. One from a warm pool is named by `status.podName` alone. */
  sandbox: 'sandbox.ai/sandbox',
  /** On sandboxes and pods: the template they were made from. */
  template: 'sandbox.ai/template',
  /** On pods that were started for a warm pool, also once a sandbox has them: its template. */
  pool: 'sandbox.ai/pool',
  /** On pods from a warm pool: what they were made from; the pool takes those of another make out. */
  make: 'sandbox.ai/make',
  /** On pods that a sandbox took from a pool later than for its start: the number of that incarnation of it, which is what tells it from an earlier pod. */
  incarnation: 'sandbox.ai/incarnation',
  /** On pods that a sandbox took from a pool though it asks for other resources: it may serve once its node has applied them. */
  resize: 'sandbox.ai/resize',
  /** The standard label; always `MANAGED_BY`. */
  managedBy: 'app.kubernetes.io/managed-by',
} as const;

export const MANAGED_BY = 'sandbox-control-plane';

export const ANNOTATION = {
  /** The id that a REST client knows an object by, when it is no valid Kubernetes name. */
  restId: 'sandbox.ai/rest-id',
  /** On what a REST client created: the name of the key or the user that asked for it. */
  createdBy: 'sandbox.ai/created-by',
  /** The request that created the object, for tracing. */
  requestId: 'sandbox.ai/request-id',
  /** On sandboxes: the id that a REST client knows the template by, when it is no valid Kubernetes name; it outlives the template. */
  templateRestId: 'sandbox.ai/template-rest-id',
  /** On pods: the runtime and the packages of the template that it was made from. */
  templatePackages: 'sandbox.ai/template-packages',
  /** On pods of a sandbox that was suspended: how often it was. What an earlier pod left on a local disk is older than what is stored. */
  suspensions: 'sandbox.ai/suspensions',
  /** When a REST client created the object, in milliseconds: `creationTimestamp` knows only seconds, too coarse for "newest first". */
  createdAt: 'sandbox.ai/created-at',
  /** On sandboxes: when a REST client last changed files, so that the operator stores them. */
  filesChangedAt: 'sandbox.ai/files-changed-at',
} as const;

export const FINALIZER = {
  /** Holds a Sandbox until its pod and its executions are gone. */
  sandbox: 'sandbox.ai/cleanup',
} as const;

/** Field managers, one per writer, so that `kubectl get --show-managed-fields` tells who wrote what. The API server takes them from the user agent. */
export const FIELD_MANAGER = {
  operator: 'sandbox-operator',
  apiShim: 'sandbox-api-shim',
} as const;
