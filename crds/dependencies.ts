import { createHash } from 'node:crypto';
import { z } from 'zod';
import { DEPENDENCY_REASONS } from './reasons.ts';
import { timestamp } from './fields.ts';
import { LIMITS } from './limits.ts';

/** Packages that user code finds beside its interpreter's own: of PyPI in Python sandboxes, of npm in Node.js sandboxes. */

/** Python packages come from here unless the sandbox names another index. */
export const DEFAULT_INDEX_URL = 'https://pypi.org/simple/';
/** Node.js packages come from here unless the sandbox names another registry. */
export const DEFAULT_REGISTRY_URL = 'https://registry.npmjs.org/';

/** PEP 508, and npm's scopes. A first character that no option begins with. */
const PYTHON_NAME = String.raw`[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?`;
const PACKAGE_NAME = String.raw`^(@[A-Za-z0-9][A-Za-z0-9._-]*/)?${PYTHON_NAME}$`;
/** Bounded everywhere, so that no text takes long to refuse. PEP 440: an epoch, a release with an optional wildcard, pre-, post- and development releases, a local version. */
const VERSION = String.raw`([0-9]+!)?[0-9]+(\.[0-9]+)*(\.\*)?([._-]?[A-Za-z]{1,10}[._-]?[0-9]{0,10}){0,3}(\+[A-Za-z0-9]+([._-][A-Za-z0-9]+)*)?`;
const CLAUSE = String.raw`(~=|===?|!=|<=?|>=?) *${VERSION}`;
const PACKAGE_VERSION = `^(${CLAUSE}( *, *${CLAUSE})*|[~^]?${VERSION})$`;

/** Whether text names a package of PyPI. */
export function isPythonPackageName(text: string): boolean {
  return text.length <= LIMITS.packageNameCharacters && new RegExp(`^${PYTHON_NAME}$`).test(text);
}

export const packageRequest = z.object({
  name: z
    .string()
    .min(1)
    .max(LIMITS.packageNameCharacters)
    .regex(new RegExp(PACKAGE_NAME))
    .describe('Name of the package.'),
  version: z
    .string()
    .min(1)
    .max(LIMITS.packageVersionCharacters)
    .regex(new RegExp(PACKAGE_VERSION))
    .optional()
    .describe(
      'Such as "==2.1.0" or ">=1.4,<2"; without an operator exactly that one; absent: the newest that fits.',
    ),
});
export type PackageRequest = z.infer<typeof packageRequest>;

export const indexUrl = z
  .string()
  .max(512)
  .regex(/^https?:\/\/[A-Za-z0-9[][^\s@?#\\]*$/)
  .describe(
    'Package index (PEP 503 or 691) or npm registry, without credentials; the operator decides which may be used.',
  );

const packages = z.array(packageRequest).max(LIMITS.packages).default([]);

/** Of a template: what each of its sandboxes has from the start. */
export const templateDependencies = z.object({
  packages: packages.describe('Installed in every sandbox of this template, before its own.'),
  indexUrl: indexUrl.optional(),
});
export type TemplateDependencies = z.infer<typeof templateDependencies>;

export const sandboxDependencies = z.object({
  packages: packages.describe(
    "Installed beside the template's. A change replaces what was installed.",
  ),
  indexUrl: indexUrl.optional(),
  installTimeoutSeconds: z
    .int()
    .min(LIMITS.installTimeoutSeconds.min)
    .max(LIMITS.installTimeoutSeconds.max)
    .default(LIMITS.installTimeoutSeconds.default)
    .describe('How long one installation may take.'),
  attempt: z
    .int()
    .min(0)
    .default(0)
    .describe('Another number has the same packages installed once more.'),
});
export type SandboxDependencies = z.infer<typeof sandboxDependencies>;

export const DEPENDENCY_STATES = ['Pending', 'Installing', 'Installed', 'Failed'] as const;

export const dependenciesStatus = z.object({
  state: z.enum(DEPENDENCY_STATES),
  reason: z.enum(DEPENDENCY_REASONS).optional().describe('Why it is in its state.'),
  message: z
    .string()
    .max(4_096)
    .optional()
    .describe('The reason in a sentence; what the installer said.'),
  revision: z.string().max(64).describe('The spec.dependencies that this is about, as a digest.'),
  podUID: z.string().optional().describe('The pod that it is about.'),
  settledPodUID: z
    .string()
    .optional()
    .describe('The pod whose first installation is over: executions there wait no more.'),
  installed: z
    .array(
      z.object({
        name: z.string().max(256),
        version: z.string().max(256),
        fromTemplate: z.boolean().optional(),
      }),
    )
    .max(LIMITS.installedPackages)
    .optional()
    .describe('What user code can import, with what the packages themselves need.'),
  location: z.string().max(256).optional().describe('The folder that they are in.'),
  startedAt: timestamp.optional(),
  finishedAt: timestamp.optional(),
});
export type DependenciesStatus = z.infer<typeof dependenciesStatus>;

/** `name==1.0` as pip writes it, `name@1.0` as npm does. */
export function requirementOf({ name, version }: PackageRequest, separator: '' | '@'): string {
  if (version === undefined) return name;
  const isBare = /^[0-9]/.test(version);
  const operator = separator === '' && isBare ? '==' : separator;
  return `${name}${operator}${version.replaceAll(' ', '')}`;
}

/** Tells one set of wishes from another: the same digest, the same packages from the same index. How long it may take makes no difference. */
export function revisionOf({
  packages: wanted,
  indexUrl: url,
  attempt,
}: SandboxDependencies): string {
  const wishes = [wanted.map(({ name, version }) => [name, version]), url, attempt];
  return createHash('sha256').update(JSON.stringify(wishes)).digest('hex').slice(0, 32);
}
