/** A failure that the person at the terminal can mend; its message is all they need to read. */
export class UserFacingError extends Error {
  override readonly name = 'UserFacingError';
}

/** Tells the person at the terminal something, on standard output. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
