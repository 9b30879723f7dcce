import { forbiddenValue, invalidValue, requiredValue, type Cause } from './errors.ts';
import type { Meta } from './objects.ts';

/** The server's checks of metadata, the same for every kind (k8s.io/apimachinery/pkg/api/validation). */
export function metadataCauses(meta: Meta): readonly Cause[] {
  return [...nameCauses(meta), ...labelCauses(meta.labels ?? {}), ...ownerCauses(meta)];
}

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const NOT_A_SUBDOMAIN =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

function nameCauses({ name }: Meta): readonly Cause[] {
  if (name === undefined)
    return [requiredValue('metadata.name', 'name or generateName is required')];
  if (name.length > 253)
    return [invalidValue('metadata.name', name, 'must be no more than 253 characters')];
  return SUBDOMAIN.test(name) ? [] : [invalidValue('metadata.name', name, NOT_A_SUBDOMAIN)];
}

const PART = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const NOT_A_KEY =
  "a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
const NOT_A_VALUE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

function labelCauses(labels: Readonly<Record<string, string>>): readonly Cause[] {
  return Object.entries(labels).flatMap(([key, value]) => [
    ...(isKey(key) ? [] : [invalidValue('metadata.labels', key, NOT_A_KEY)]),
    ...(value.length > 63
      ? [invalidValue('metadata.labels', value, 'must be no more than 63 bytes')]
      : []),
    ...(value === '' || PART.test(value)
      ? []
      : [invalidValue('metadata.labels', value, NOT_A_VALUE)]),
  ]);
}

function isKey(key: string): boolean {
  const [name = '', prefix, ...more] = key.split('/').reverse();
  return (
    more.length === 0 &&
    name.length <= 63 &&
    PART.test(name) &&
    (prefix === undefined || SUBDOMAIN.test(prefix))
  );
}

function ownerCauses({ ownerReferences }: Meta): readonly Cause[] {
  return (ownerReferences ?? []).flatMap((owner) => [
    ...(owner.apiVersion === ''
      ? [invalidValue('metadata.ownerReferences.apiVersion', '', 'version must not be empty')]
      : []),
    ...(['kind', 'name', 'uid'] as const)
      .filter((key) => owner[key] === '')
      .map((key) => invalidValue(`metadata.ownerReferences.${key}`, '', 'must not be empty')),
  ]);
}

/** What may not be done to the metadata of an object that exists. */
export function metadataChangeCauses(meta: Meta, old: Meta): readonly Cause[] {
  if (old.deletionTimestamp === undefined) return [];
  const added = (meta.finalizers ?? []).filter(
    (finalizer) => !(old.finalizers ?? []).includes(finalizer),
  );
  if (added.length === 0) return [];
  const list = `[]string{${added.map((finalizer) => JSON.stringify(finalizer)).join(', ')}}`;
  return [
    forbiddenValue(
      'metadata.finalizers',
      `no new finalizers can be added if the object is being deleted, found new finalizers ${list}`,
    ),
  ];
}
