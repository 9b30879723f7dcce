import { z } from 'zod';

/** A structural schema as apiextensions/v1 wants it: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema */
export type StructuralSchema = Readonly<Record<string, unknown>>;

/** Turns a zod schema of what a client may send into the structural schema of a CRD. */
export function structuralSchema(schema: z.ZodType): StructuralSchema {
  return z.toJSONSchema(schema, {
    target: 'openapi-3.0',
    io: 'input',
    reused: 'inline',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      dropImpliedBounds(jsonSchema);
      dropUntypedMaps(jsonSchema);
    },
  });
}

/** zod states JavaScript's safe integers as bounds; to Kubernetes they say nothing, and int64 says it better. */
function dropImpliedBounds(json: Record<string, unknown>): void {
  if (json['type'] !== 'integer') return;
  if (json['minimum'] === Number.MIN_SAFE_INTEGER) delete json['minimum'];
  if (json['maximum'] === Number.MAX_SAFE_INTEGER) delete json['maximum'];
  json['format'] = 'int64';
}

/** A map of anything is spelled x-kubernetes-preserve-unknown-fields; additionalProperties without a type is not structural. */
function dropUntypedMaps(json: Record<string, unknown>): void {
  const values = json['additionalProperties'];
  if (typeof values === 'object' && values !== null && Object.keys(values).length === 0) {
    delete json['additionalProperties'];
    json['x-kubernetes-preserve-unknown-fields'] = true;
  }
}
