/** OOMKilled stays set after the kernel took only one of the container's processes, so it counts only with that signal's code. */
export function exitReason(exitCode: number, oomKilled: boolean): string {
  if (exitCode === 0) return 'Completed';
  return oomKilled && exitCode === 137 ? 'OOMKilled' : 'Error';
}
