/** How a JSON text is built, told without parsing it. */
export interface JsonShape {
  /** How deep arrays and objects stand within each other: what recurses must not be handed thousands. */
  readonly depth: number;
  /** At least as many as the values that it holds: each takes memory many times its length in the text, `[]` for one. */
  readonly values: number;
}

/** Reads each character once, whatever the text; it need not be valid. */
export function jsonShape(text: string): JsonShape {
  let depth = 0;
  let deepest = 0;
  let values = 1;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at);
    if (inString && character === BACKSLASH) at++;
    else if (character === QUOTE) inString = !inString;
    else if (!inString) {
      const step = STEPS.get(character) ?? 0;
      depth += step;
      if (depth > deepest) deepest = depth;
      if (step === 1 || character === COMMA) values++;
    }
  }
  return { depth: deepest, values };
}

const code = (character: string): number => character.charCodeAt(0);
const [BACKSLASH, QUOTE, COMMA] = [code('\\'), code('"'), code(',')];
const STEPS: ReadonlyMap<number, number> = new Map([
  [code('['), 1],
  [code('{'), 1],
  [code(']'), -1],
  [code('}'), -1],
]);
