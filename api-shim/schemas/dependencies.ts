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
