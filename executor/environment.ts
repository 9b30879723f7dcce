/** Names of the environment variables that configure the daemon. None is secret; none reaches user code. */
export const EXECUTOR_ENV = {
  /** `tcp://0.0.0.0:8080` or `unix:///run/executor/executor.sock`. */
  listen: 'EXECUTOR_LISTEN',
  /** Ed25519 public key of the control plane, SPKI in base64 (no PEM lines). */
  publicKey: 'EXECUTOR_PUBLIC_KEY',
  /** The audience that a token must have: the pod's UID. */
  audience: 'EXECUTOR_AUDIENCE',
  /** `tcp://address:port` that the pod's NetworkPolicy forbids: no run begins before it is seen to refuse. Absent: the pod has no network. */
  forbiddenAddress: 'EXECUTOR_FORBIDDEN_ADDRESS',
  /** Folder of user files; default /workspace. */
  workspace: 'EXECUTOR_WORKSPACE',
  /** Folder of installed packages; default /opt/dependencies. */
  dependencies: 'EXECUTOR_DEPENDENCIES',
  /** A variable X for user code stands in the container's environment as SANDBOX_USER_X, so that it cannot configure the daemon itself. */
  userPrefix: 'SANDBOX_USER_',
} as const;
