import { Parser } from 'htmlparser2';

/** A link of a page in HTML. */
export interface Anchor {
  readonly href: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly text: string;
}

/** Far more than the pages of any index have. What a page is made of costs time by the piece, and by its depth with every piece. */
const MAX_ANCHORS = 50_000;
const MAX_ATTRIBUTES = 100;
const MAX_DEPTH = 64;
const MAX_PARTS = 1_000_000;

/** The links of a page, in their order. Throws RangeError where it has more of anything than an honest one. */
export function anchorsIn(html: string): readonly Anchor[] {
  const anchors: Anchor[] = [];
  const size = new PageSize();
  let open: Readonly<Record<string, string>> | undefined;
  let text = '';
  const parser = new Parser({
    onopentagname: () => {
      size.tagBegins();
    },
    onattribute: () => {
      size.attribute();
    },
    onopentag: (tag, attributes) => {
      size.tagOpens();
      if (tag !== 'a') return;
      open = attributes;
      text = '';
    },
    ontext: (piece) => {
      size.part();
      text += piece;
    },
    oncomment: () => {
      size.part();
    },
    onclosetag: (tag) => {
      size.tagCloses();
      if (tag !== 'a') return;
      const href = open?.['href'];
      if (open !== undefined && href !== undefined)
        anchors.push({ href, attributes: open, text: text.trim() });
      if (anchors.length > MAX_ANCHORS) throw new RangeError('a page links to too many files');
      open = undefined;
    },
  });
  parser.write(html);
  parser.end();
  return anchors;
}

/** How much a page holds of what makes it slow to read. */
class PageSize {
  #parts = 0;
  #depth = 0;
  #attributes = 0;

  part(): void {
    this.#parts += 1;
    if (this.#parts > MAX_PARTS) throw new RangeError('a page has too many parts');
  }

  tagBegins(): void {
    this.part();
    this.#attributes = 0;
  }

  attribute(): void {
    this.#attributes += 1;
    if (this.#attributes > MAX_ATTRIBUTES) throw new RangeError('a tag has too many attributes');
  }

  tagOpens(): void {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw new RangeError('a page has tags in tags too deep');
  }

  tagCloses(): void {
    this.part();
    this.#depth -= 1;
  }
}
