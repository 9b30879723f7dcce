import type { KubeObject, ResourceType } from './objects.ts';

export interface ResourceLocation {
  /** Empty or absent: cluster-scoped, or all namespaces. */
  readonly namespace?: string | undefined;
  /** Absent: the collection. */
  readonly name?: string;
  readonly subresource?: string | undefined;
}

/** The URL path at which the API server serves a kind, or one object of it. */
export function resourcePath(
  type: ResourceType<KubeObject>,
  { namespace = '', name, subresource }: ResourceLocation,
): string {
  const group = type.group === '' ? '/api' : `/apis/${type.group}`;
  const scope = namespace === '' ? '' : `/namespaces/${segment(namespace)}`;
  const object = name === undefined ? '' : `/${segment(name)}`;
  const view = subresource === undefined ? '' : `/${subresource}`;
  return `${group}/${type.version}${scope}/${type.plural}${object}${view}`;
}

/** An empty name would address the whole collection (and delete it), `..` something else altogether. */
function segment(name: string): string {
  if (name === '' || name === '.' || name === '..') {
    throw new TypeError(`"${name}" is not the name of an object`);
  }
  return encodeURIComponent(name);
}
