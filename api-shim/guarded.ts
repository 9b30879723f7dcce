import type { Role } from './auth/principal.ts';
import { includes } from './auth/principal.ts';
import { auditObjectOf } from './audit.ts';
import { ApiError } from './errors.ts';
import type { Route } from './route.ts';

/** The endpoints as each tenant has them, by its namespace. */
export type TenantRoutes = ReadonlyMap<string, readonly Route[]>;

/** One set of endpoints for all: each request is checked for its caller's role and served by those of the caller's namespace. */
export function guarded(tenants: TenantRoutes): readonly Route[] {
  const [first = []] = tenants.values();
  return first.map((route) => ({ ...route, run: guardedRun(route, tenants) }));
}

function guardedRun(route: Route, tenants: TenantRoutes): Route['run'] {
  const ofNamespace = new Map(
    [...tenants].map(([namespace, routes]) => [
      namespace,
      routes.find(({ id }) => id === route.id),
    ]),
  );
  return async (raw, context, ...rest) => {
    const { audited, principal } = context;
    audited.action = route.id;
    audited.object = auditObjectOf(route.tag, fieldsOf(raw.params), {});
    if (!includes(principal.role, roleFor(route))) throw forbidden(principal.role, roleFor(route));
    const served = ofNamespace.get(principal.namespace);
    if (served === undefined) throw new TypeError(`no endpoints for ${principal.namespace}`);
    const answer = await served.run(raw, context, ...rest);
    audited.object = auditObjectOf(route.tag, fieldsOf(raw.params), fieldsOf(answer));
    return answer;
  };
}

/** Whoever may call it; by default reading needs `read` and anything else `write`. */
function roleFor({ access, method }: Route): Role {
  if (access === 'open') return 'read';
  return access ?? (method === 'get' ? 'read' : 'write');
}

function forbidden(role: Role, needed: Role): ApiError {
  return new ApiError('RoleTooSmall', `This needs the role ${needed}, and the caller has ${role}`);
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
