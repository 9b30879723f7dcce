import type { JsonObject } from './json.ts';
import { apiVersionOf, type Kind } from './kinds.ts';

/** What the server says of itself under /api, /apis and /version. */
export const VERSION: JsonObject = {
  major: '1',
  minor: '34',
  gitVersion: 'v1.34.0+sandbox-local',
  gitCommit: '',
  gitTreeState: '',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: '',
  platform: 'linux/amd64',
};

/** Node's version of a group: the core group has no entry of its own. */
export function apiVersions(): JsonObject {
  return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
}

export function apiGroups(kinds: readonly Kind[]): JsonObject {
  return {
    kind: 'APIGroupList',
    apiVersion: 'v1',
    groups: groupNames(kinds).map((group) => groupOf(kinds, group)),
  };
}

/** Undefined if no kind is in that group. */
export function apiGroup(kinds: readonly Kind[], group: string): JsonObject | undefined {
  if (!groupNames(kinds).includes(group)) return undefined;
  return { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(kinds, group) };
}

function groupNames(kinds: readonly Kind[]): readonly string[] {
  return [...new Set(kinds.map(({ group }) => group))].filter((group) => group !== '');
}

function groupOf(kinds: readonly Kind[], name: string): JsonObject {
  const versions = versionsOf(kinds, name).map((version) => ({
    groupVersion: apiVersionOf({ group: name, version }),
    version,
  }));
  return { name, versions, preferredVersion: versions[0] };
}

function versionsOf(kinds: readonly Kind[], group: string): readonly string[] {
  return [...new Set(kinds.filter((kind) => kind.group === group).map(({ version }) => version))];
}

/** Undefined if no kind is served there. */
export function apiResources(
  kinds: readonly Kind[],
  group: string,
  version: string,
): JsonObject | undefined {
  const served = kinds.filter((kind) => kind.group === group && kind.version === version);
  if (served.length === 0) return undefined;
  const resources = served.flatMap((kind) => [
    {
      name: kind.plural,
      singularName: kind.singular,
      namespaced: kind.namespaced,
      kind: kind.kind,
      verbs: VERBS,
      ...(kind.shortNames.length === 0 ? {} : { shortNames: kind.shortNames }),
      ...(kind.categories.length === 0 ? {} : { categories: kind.categories }),
    },
    ...subresources(kind).map(({ name, group: ofGroup, version: ofVersion, kind: of, verbs }) => ({
      name: `${kind.plural}/${name}`,
      singularName: '',
      namespaced: kind.namespaced,
      ...(ofGroup === undefined ? {} : { group: ofGroup, version: ofVersion }),
      kind: of,
      verbs,
    })),
  ]);
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: apiVersionOf({ group, version }),
    resources,
  };
}

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

const WRITABLE = ['get', 'patch', 'update'];

interface Subresource {
  readonly name: string;
  /** Of what it answers with, where that is not of the kind's own group and version. */
  readonly group?: string;
  readonly version?: string;
  readonly kind: string;
  readonly verbs: readonly string[];
}

const SCALE: Subresource = {
  name: 'scale',
  group: 'autoscaling',
  version: 'v1',
  kind: 'Scale',
  verbs: WRITABLE,
};

const POD_SUBRESOURCES: readonly Subresource[] = [
  { name: 'binding', kind: 'Binding', verbs: ['create'] },
  { name: 'log', kind: 'Pod', verbs: ['get'] },
];

function subresources(kind: Kind): readonly Subresource[] {
  return [
    ...(kind.hasStatus ? [{ name: 'status', kind: kind.kind, verbs: WRITABLE }] : []),
    ...(kind.scale === undefined ? [] : [SCALE]),
    ...(kind.resizes === true ? [{ name: 'resize', kind: kind.kind, verbs: WRITABLE }] : []),
    ...(kind.storage === 'pods' ? POD_SUBRESOURCES : []),
  ];
}

/** apidiscovery.k8s.io/v2 of the core group or of all others, in one answer. */
export function aggregated(kinds: readonly Kind[], root: 'api' | 'apis'): JsonObject {
  const groups = root === 'api' ? [''] : groupNames(kinds);
  const items = groups.map((name) => ({
    metadata: name === '' ? {} : { name },
    versions: versionsOf(kinds, name).map((version) => ({
      version,
      freshness: 'Current',
      resources: kinds
        .filter((kind) => kind.group === name && kind.version === version)
        .map(aggregatedResource),
    })),
  }));
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items,
  };
}

function aggregatedResource(kind: Kind): JsonObject {
  const responseKind = ({
    group = kind.group,
    version = kind.version,
    kind: name,
  }: Pick<Subresource, 'group' | 'version' | 'kind'>): JsonObject => ({
    group,
    version,
    kind: name,
  });
  return {
    resource: kind.plural,
    responseKind: responseKind(kind),
    scope: kind.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: kind.singular,
    verbs: VERBS,
    shortNames: kind.shortNames,
    categories: kind.categories,
    subresources: subresources(kind).map((one) => ({
      subresource: one.name,
      responseKind: responseKind(one),
      verbs: one.verbs,
    })),
  };
}
