/** OOMKilled stays set after the kernel took only one of the container's processes, so it counts only with that signal's code. */
export function exitReason(exitCode: number, oomKilled: boolean): string {
  if (exitCode === 0) return 'Completed';
  return oomKilled && exitCode === 137 ? 'OOMKilled' : 'Error';
}

/** The text of a log without the 8-byte header that the engine puts before each piece (Docker Engine API, "Stream format"). */
export function plainLog(raw: Buffer): string {
  const pieces: Buffer[] = [];
  for (let at = 0; at + 8 <= raw.length;) {
    const end = at + 8 + raw.readUInt32BE(at + 4);
    pieces.push(raw.subarray(at + 8, end));
    at = end;
  }
  return Buffer.concat(pieces).toString('utf8').trim();
}
