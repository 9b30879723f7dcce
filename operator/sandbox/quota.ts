/** Words of the admission plugin ResourceQuota (kubernetes/staging/.../resourcequota/controller.go): only these tell its refusal from that of a policy, both are a 403. */
const EXCEEDED = /exceeded quota: ([^,]+), requested: (.+), used: .+, limited: ([^\]]+)/;

/** What a quota is out of, without what moves from one moment to the next; undefined: it is not that a quota was exceeded. */
export function exceededQuota(words: string): string | undefined {
  const [, name, requested, limited] = EXCEEDED.exec(words) ?? [];
  if (name !== undefined && requested !== undefined && limited !== undefined)
    return `the ResourceQuota ${name} has no room: the pod wants ${requested}, and all together may have ${limited}`;
  return words.includes('exceeded quota: ') ? 'a ResourceQuota has no room for the pod' : undefined;
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 10_000;

/** Nothing tells when a quota has room again, so the pod is tried again, less and less often. */
export function quotaPauseMs(waitedMs: number): number {
  return Math.min(Math.max(waitedMs / 4, FIRST_PAUSE_MS), LONGEST_PAUSE_MS);
}
