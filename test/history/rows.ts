import type { Execution } from '../../crds/execution.ts';
import type { Sandbox } from '../../crds/sandbox.ts';
import {
  executionRow,
  sandboxRow,
  sandboxTemplateRow,
  type Look,
} from '../../storage/history/record.ts';
import type { SandboxTemplate } from '../../crds/sandbox-template.ts';
import type { Rows } from '../../storage/history/writer.ts';

export const NOW = Date.parse('2026-01-02T00:00:00Z');

/** A look at a live object by the first leader; name what the test is about. */
export function aLook(overrides: Partial<Look> = {}): Look {
  return { now: NOW, fence: 1, sequence: 1, expired: false, gone: false, ...overrides };
}

export function rowsOf(
  objects: {
    sandboxes?: readonly Sandbox[];
    templates?: readonly SandboxTemplate[];
    executions?: readonly Execution[];
  },
  look: Partial<Look> = {},
): Rows {
  return {
    sandboxes: (objects.sandboxes ?? []).map((sandbox) => sandboxRow(sandbox, aLook(look))),
    templates: (objects.templates ?? []).map((template) =>
      sandboxTemplateRow(template, aLook(look)),
    ),
    executions: (objects.executions ?? []).map((execution) =>
      executionRow(execution, 'uid-box', aLook(look)),
    ),
  };
}
