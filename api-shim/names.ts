import { createHash } from 'node:crypto';
import { ANNOTATION } from '../crds/names.ts';

export { restIdOf } from '../crds/identity.ts';

/** REST ids and Kubernetes names: an id that is a valid name is the name, every other one is kept in an annotation. */

/** Leaves room for what the operator appends (`-1`, ...) within the 63 characters of a label. */
const LONGEST_NAME = 52;
const HASH_LENGTH = 10;
const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/** The object name of a REST id; two ids never share one by folding of case or punctuation. */
export function objectNameOf(id: string): string {
  if (id.length <= LONGEST_NAME && DNS_LABEL.test(id)) return id;
  const hash = createHash('sha256').update(id).digest('hex').slice(0, HASH_LENGTH);
  return `${slugOf(id)}-${hash}`;
}

function slugOf(id: string): string {
  const folded = id.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  const slug = folded.slice(0, LONGEST_NAME - HASH_LENGTH - 1).replaceAll(/^-+|-+$/g, '');
  return slug === '' ? 'id' : slug;
}

/** The annotation that keeps `id`, or none where the name already says it. */
export function restIdAnnotation(
  id: string,
  key: string = ANNOTATION.restId,
): Record<string, string> {
  return objectNameOf(id) === id ? {} : { [key]: id };
}

/** `sess_YYYYMMDD_<8 hex>` in UTC. */
export function newSessionId(nowMs: number, random: string): string {
  return `sess_${digitsOf(nowMs, 8)}_${random}`;
}

/** `exec_YYYYMMDDHHMMSS_<8 hex>` in UTC. */
export function newExecutionId(nowMs: number, random: string): string {
  return `exec_${digitsOf(nowMs, 14)}_${random}`;
}

/** Ids of one moment, in ascending order: of executions of the same moment the one with the smaller name has its turn first. */
export function newExecutionIds(nowMs: number, random: string, count: number): readonly string[] {
  const span = 2 ** Math.ceil(Math.log2(count));
  const first = Math.floor(Number.parseInt(random, 16) / span) * span;
  return Array.from({ length: count }, (_, place) =>
    newExecutionId(nowMs, (first + place).toString(16).padStart(8, '0')),
  );
}

function digitsOf(nowMs: number, count: number): string {
  return new Date(nowMs).toISOString().replaceAll(/\D/g, '').slice(0, count);
}
