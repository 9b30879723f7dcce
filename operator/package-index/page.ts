import { z } from 'zod';

const digest = z.object({
  algorithm: z.enum(['sha256', 'sha512']),
  hex: z.string().regex(/^[0-9a-f]{64,128}$/),
});
export type Digest = z.infer<typeof digest>;

const link = z.object({
  url: z.url(),
  digest: digest.optional(),
});
export type Link = z.infer<typeof link>;

/** What an index has of one project, in a form of our own: what an installer is answered, and where the files that it may then ask for are. */
export const indexPage = z.object({
  contentType: z.string(),
  body: z.string(),
  /** By file name. Only what stands here can be asked for. */
  links: z.record(z.string(), link),
});
export type IndexPage = z.infer<typeof indexPage>;

/** A file name that is nothing else: no path, no query, no part of a URL. */
export function isFileName(text: string): boolean {
  return text.length <= 255 && /^[A-Za-z0-9_][A-Za-z0-9._+!-]*$/.test(text) && !text.includes('..');
}
