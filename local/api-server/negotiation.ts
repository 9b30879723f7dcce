import { notAcceptable } from './errors.ts';

/** The forms in which objects can be answered. */
export type Form = 'object' | 'table' | 'metadata' | 'discovery';

const FORMS: readonly (readonly [Form, readonly string[]])[] = [
  ['table', ['as=Table', 'v=v1', 'g=meta.k8s.io']],
  ['metadata', ['as=PartialObjectMetadata', 'v=v1', 'g=meta.k8s.io']],
  ['metadata', ['as=PartialObjectMetadataList', 'v=v1', 'g=meta.k8s.io']],
  ['discovery', ['as=APIGroupDiscoveryList', 'v=v2', 'g=apidiscovery.k8s.io']],
];

const TYPES: ReadonlySet<string | undefined> = new Set([
  'application/json',
  'application/*',
  '*/*',
]);

/** The first form in an Accept header that this server has; it writes JSON only. */
export function acceptedForm(accept: string | undefined): Form {
  if (accept === undefined || accept.trim() === '') return 'object';
  for (const range of accept.split(',')) {
    const form = formOf(range);
    if (form !== undefined) return form;
  }
  throw notAcceptable();
}

function formOf(range: string): Form | undefined {
  const [type, ...parameters] = range.split(';').map((part) => part.trim());
  if (!TYPES.has(type)) return undefined;
  if (!parameters.some((parameter) => parameter.startsWith('as='))) return 'object';
  return FORMS.find(([, needed]) =>
    needed.every((parameter) => parameters.includes(parameter)),
  )?.[0];
}
