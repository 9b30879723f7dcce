import { SANDBOXES, type Sandbox, type SandboxStatus } from '../crds/sandbox.ts';
import { SANDBOX_TEMPLATES } from '../crds/sandbox-template.ts';
import { Expectations } from '../kube/expectations.ts';
import { ObjectCache } from '../kube/object-cache.ts';
import type { KubeObject, ResourceType } from '../kube/objects.ts';
import { PODS } from '../kube/pod.ts';
import { aSandbox, readyStatus } from '../test/builders/sandbox.ts';
import { FakeClock } from '../test/fakes/clock.ts';
import { FakeLogger } from '../test/fakes/logger.ts';
import { ScriptedClient } from '../test/fakes/scripted-client.ts';
import { templateSources } from './sources.ts';

/** Fed by hand. */
function aCache<T extends KubeObject>(type: ResourceType<T>): ObjectCache<T> {
  const { client } = new ScriptedClient();
  return new ObjectCache<T>({ client, type, logger: new FakeLogger() });
}

test('a template is looked at a moment after a sandbox of it has got its pod: its pool may be filled up again', () => {
  const sandboxes = aCache(SANDBOXES);
  const caches = {
    sandboxes,
    templates: aCache(SANDBOX_TEMPLATES),
    pods: aCache(PODS),
  };
  const expectations = new Expectations(new FakeClock());
  const heard: string[] = [];
  for (const source of templateSources(caches, { expectations }, 2_000))
    source.subscribe((key, { afterMs = 0 } = {}) => heard.push(`${key} in ${String(afterMs)}`));
  const now = (resourceVersion: string, status?: SandboxStatus): Sandbox =>
    aSandbox({ metadata: { resourceVersion }, ...(status && { status }) });
  sandboxes.apply({ type: 'ADDED', object: now('1') });
  heard.length = 0;
  sandboxes.apply({ type: 'MODIFIED', object: now('2', readyStatus()) });
  expect(heard).toEqual(['default/python-basic in 100']);
  sandboxes.apply({ type: 'MODIFIED', object: now('3', readyStatus({ message: 'new' })) });
  expect(heard).toHaveLength(1);
});
