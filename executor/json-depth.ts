/**
 * How deep arrays and objects stand within each other in a JSON text: what recurses must not be handed thousands.
 * Reads each character once, whatever the text; it need not be valid.
 */
export function jsonDepth(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (inString && character === '\\') at++;
    else if (character === '"') inString = !inString;
    else if (!inString) {
      depth += step(character);
      deepest = Math.max(deepest, depth);
    }
  }
  return deepest;
}

function step(character: string | undefined): number {
  if (character === '[' || character === '{') return 1;
  return character === ']' || character === '}' ? -1 : 0;
}
