import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { until, type Body, type Environment } from './environment.ts';

/** The kinds of this project, as their manifests define them. */

const ROOT = path.join(import.meta.dirname, '..', '..');
export const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

/** The objects in the YAML files of a folder. */
export function manifests(folder: string): readonly Body[] {
  const files = readdirSync(path.join(ROOT, folder)).filter((file) => file.endsWith('.yaml'));
  return files.map((file) => parse(readFileSync(path.join(ROOT, folder, file), 'utf8')) as Body);
}

/** Resolves when all of them are served. */
export async function installOwnKinds({ api, namespace }: Environment): Promise<void> {
  for (const crd of manifests('crds/manifests')) {
    const { name } = crd.metadata;
    const { code, body } = await api.apply(`${CRDS}/${name}?fieldManager=contract&force=true`, crd);
    if (code > 201) throw new Error(body.message);
  }
  await until(async () => {
    const own = `/apis/sandbox.ai/v1alpha1/namespaces/${namespace}`;
    const plurals = ['sandboxtemplates', 'sandboxes', 'executions'];
    const replies = await Promise.all(plurals.map((plural) => api.get(`${own}/${plural}`)));
    return replies.every(({ code }) => code === 200);
  });
}
