import type { ExecutionReason } from '../../crds/reasons.ts';

/** Either the value, or why it can't be kept. */
export type KeptReturnValue =
  | { readonly value: unknown }
  | {
      readonly reason: Extract<
        ExecutionReason,
        'ReturnValueTooLarge' | 'ReturnValueNotSerializable'
      >;
      readonly message: string;
    };

/** The executor measures too, but can't be trusted to. */
export function keptReturnValue(value: unknown, limitBytes: number): KeptReturnValue {
  const text = jsonOf(value);
  if (text === undefined) {
    return { reason: 'ReturnValueNotSerializable', message: 'the return value is nested too deep' };
  }
  const bytes = Buffer.byteLength(text);
  if (bytes <= limitBytes) return { value };
  const message = `the return value has ${String(bytes)} bytes as JSON; the limit is ${String(limitBytes)}`;
  return { reason: 'ReturnValueTooLarge', message };
}

/** JSON.stringify throws a RangeError on nesting that uses up the stack. */
function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}
