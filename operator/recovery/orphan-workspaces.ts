/** What is needed to tell which stored workspaces are nobody's, and for how long. */
export interface StoredAndKnown {
  /** Sessions that something is stored of. */
  readonly stored: ReadonlySet<string>;
  /** Sandboxes in the API server or in history. */
  readonly known: ReadonlySet<string>;
  /** Those noted as nobody's, and since when. */
  readonly orphans: ReadonlyMap<string, number>;
  readonly now: number;
  /** How long one stays nobody's before it goes. */
  readonly graceMs: number;
}

export interface WorkspacePlan {
  /** To note as nobody's. */
  readonly add: readonly string[];
  /** To strike from the notes: it is known after all, or gone. */
  readonly drop: readonly string[];
  readonly remove: readonly string[];
}

/** Nothing goes at once: a database that was restored or named wrongly looks as if everything were nobody's. Pure. */
export function planWorkspaces(seen: StoredAndKnown): WorkspacePlan {
  const { stored, known, orphans, now, graceMs } = seen;
  const nobodys = [...stored].filter((id) => !known.has(id));
  return {
    add: nobodys.filter((id) => !orphans.has(id)),
    drop: [...orphans.keys()].filter((id) => known.has(id) || !stored.has(id)),
    remove: nobodys.filter((id) => (orphans.get(id) ?? now) + graceMs < now),
  };
}
