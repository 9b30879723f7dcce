import { aggregated, apiGroup, apiGroups, apiResources, apiVersions } from './discovery.ts';
import { json, PAGE_NOT_FOUND, type Answer } from './http.ts';
import type { Kind } from './kinds.ts';
import { acceptedForm, type Form } from './negotiation.ts';
import { openApiIndex, openApiV2, openApiV3 } from './openapi.ts';

/** What the server says of its kinds: discovery under /api and /apis, schemas under /openapi. */
export function described(
  kinds: readonly Kind[],
  path: string,
  accept: string | undefined,
): Answer {
  const [root, ...rest] = path.split('/').filter((segment) => segment !== '');
  if (root === 'openapi') return schemas(kinds, rest, accept);
  if (root !== 'api' && root !== 'apis') return PAGE_NOT_FOUND;
  if (rest.length === 0) return roots(kinds, root, acceptedForm(accept));
  return group(kinds, root === 'api' ? ['', ...rest] : rest);
}

function schemas(
  kinds: readonly Kind[],
  [version, ...rest]: readonly string[],
  accept: string | undefined,
): Answer {
  if (version === 'v3')
    return json(rest.length === 0 ? openApiIndex(kinds) : openApiV3(kinds, rest.join('/')));
  if (version !== 'v2' || rest.length > 0) return PAGE_NOT_FOUND;
  acceptedForm(accept);
  return json(openApiV2(kinds));
}

function roots(kinds: readonly Kind[], root: 'api' | 'apis', form: Form): Answer {
  if (form !== 'discovery') return json(root === 'api' ? apiVersions() : apiGroups(kinds));
  const type = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
  return { ...json(aggregated(kinds, root)), type };
}

function group(kinds: readonly Kind[], [name, version, ...more]: readonly string[]): Answer {
  if (name === undefined || more.length > 0) return PAGE_NOT_FOUND;
  return json(version === undefined ? apiGroup(kinds, name) : apiResources(kinds, name, version));
}
