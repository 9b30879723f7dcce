import { z } from 'zod';
import { DEFAULT_INDEX_URL, indexUrl, packageRequest } from '../../crds/dependencies.ts';
import { LIMITS } from '../../crds/limits.ts';

/** `pandas2.3.3`: the version belongs into its own field. */
const GLUED = /^[A-Za-z]+[0-9]+\.[0-9]/;

const dependency = z
  .object({
    name: packageRequest.shape.name.refine((name) => !GLUED.test(name), {
      message: 'put the version into the field version',
    }),
    version: z
      .string()
      .max(LIMITS.packageVersionCharacters)
      .transform((text) => text.trim())
      .pipe(z.union([z.literal(''), packageRequest.shape.version.unwrap()]))
      .nullish(),
  })
  .meta({ example: { name: 'numpy', version: '==1.26.4' } });
export type RequestedDependency = z.output<typeof dependency>;

/** `numpy==1.26.4` as pip has it, `left-pad@1.3.0` as npm, in the two fields; anything else as it is. */
function inTwoFields(wanted: unknown): unknown {
  if (typeof wanted !== 'string' || wanted.length > MAX_REQUIREMENT) return wanted;
  const [, name = wanted, version] =
    /^(@?[^@<>=!~\s]+)\s*(?:@|(?=[<>=!~]))(.*)$/.exec(wanted) ?? [];
  return { name, version };
}

const MAX_REQUIREMENT = LIMITS.packageNameCharacters + LIMITS.packageVersionCharacters;

/** Of a template: also in one string each. */
export const preInstalled = z
  .array(z.preprocess(inTwoFields, dependency))
  .max(LIMITS.packages)
  .meta({
    description:
      'Packages that every session of it has from the start, and pods of its warm pool before they are ready; `numpy==1.26.4` in one string works too.',
    example: [{ name: 'numpy', version: '==1.26.4' }],
  });

export const dependencies = z.array(dependency).max(LIMITS.packages);

/** Empty, blank and null stand for the default. */
export const packageIndex = z
  .string()
  .max(512)
  .transform((text) => text.trim())
  .pipe(z.union([z.literal(''), indexUrl]))
  .nullish()
  .meta({
    description: `Package index; ${DEFAULT_INDEX_URL} by default. In a Node.js session an npm registry.`,
  });

export const installRequest = z
  .object({
    dependencies: dependencies.min(1).meta({
      description:
        'Installed beside what was asked for before; of the same name the newest counts.',
    }),
    python_package_index_url: packageIndex,
  })
  .meta({
    id: 'InstallDependencies',
    examples: [{ dependencies: [{ name: 'pyfiglet', version: '==1.0.2' }] }],
  });
export type InstallRequest = z.output<typeof installRequest>;
