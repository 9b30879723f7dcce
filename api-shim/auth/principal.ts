import type { RateLimit } from '../../kube/token-bucket.ts';

/** Each may do what those before it may: read; run code and handle sessions and files; change templates. */
export const ROLES = ['read', 'write', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** Who a request comes from, and what that caller may do and use. */
export interface Principal {
  /** Of a key its name, of a Kubernetes token its user; for logs and records, never a secret. */
  readonly name: string;
  /** Where its objects are; it sees no others. */
  readonly namespace: string;
  readonly role: Role;
  /** Absent: as many requests as it likes. */
  readonly rate?: RateLimit;
  /** How many of its sessions may be active at once; absent: any number. */
  readonly sessions?: number;
}

/** Whoever calls an API that authenticates nobody: may do everything in its one namespace. */
export function anonymousIn(namespace: string): Principal {
  return { name: 'anonymous', namespace, role: 'admin' };
}

/** Whether `role` includes what `needed` may do. */
export function includes(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed);
}
