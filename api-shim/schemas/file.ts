import { z } from 'zod';
import { integer, timestamp } from './fields.ts';
import { sessionPath } from './session.ts';

/** Bytes of one upload. */
export const MAX_UPLOAD_BYTES = 104_857_600;
/** From here on a download is a link, where the store can give one. */
export const LINK_FROM_BYTES = 10_485_760;

const filePath = z
  .string()
  .meta({ description: 'Relative to the workspace.', example: 'output/result.txt' });

export const filePathParams = sessionPath.extend({ file_path: filePath });

export const listFilesQuery = z.object({
  path: z.string().optional().meta({ description: 'Only this file, or what is in this folder.' }),
  limit: integer(1, 10_000)
    .default(1_000)
    .meta({ override: { type: 'integer' } }),
});

export const uploadQuery = z.object({
  path: filePath
    .optional()
    .meta({ description: 'Where to; or as a field of the form, before the file.' }),
});

/** The body is read as it comes, so this is for the document only. */
export const uploadForm = z.object({
  path: z.string().optional(),
  file: z.string().meta({ override: { type: 'string', format: 'binary' } }),
});

export const downloadQuery = z.object({
  redirect: z.enum(['true', 'false']).default('false').meta({
    description: 'Of a large file: a redirect to the link instead of JSON that holds it.',
  }),
});

export const fileBytes = z.string().meta({ override: { type: 'string', format: 'binary' } });

export const uploadedFile = z
  .object({ session_id: z.string(), file_path: z.string(), size: z.int().min(0) })
  .meta({
    id: 'UploadedFile',
    examples: [{ session_id: 'sess_20261124_fcd4af56', file_path: 'input/data.csv', size: 1024 }],
  });

export const fileLink = z
  .object({
    session_id: z.string(),
    file_path: z.string(),
    presigned_url: z.url().meta({ description: 'Good for an hour, for whoever has it.' }),
    size: z.int().min(0),
  })
  .meta({
    id: 'FileLink',
    examples: [
      {
        session_id: 'sess_20261124_fcd4af56',
        file_path: 'output/model.bin',
        presigned_url: 'https://files.example.org/sandbox-workspace/sessions/...',
        size: 20_971_520,
      },
    ],
  });
export type FileLink = z.output<typeof fileLink>;

const listedFile = z.object({
  name: z.string().meta({ description: 'Relative to the workspace.' }),
  container_path: z.string(),
  size: z.int().min(0),
  modified_time: timestamp,
  etag: z.string(),
});
export type ListedFile = z.output<typeof listedFile>;

export const fileListing = z
  .object({
    session_id: z.string(),
    files: z.array(listedFile),
    count: z.int().min(0).meta({ description: 'Of the files in this answer.' }),
  })
  .meta({
    id: 'FileListing',
    examples: [
      {
        session_id: 'sess_20261124_fcd4af56',
        files: [
          {
            name: 'input/data.csv',
            container_path: '/workspace/input/data.csv',
            size: 1024,
            modified_time: '2026-11-24T07:02:21.310Z',
            etag: '"0a1b2c3d4e5f60718293a4b5c6d7e8f9"',
          },
        ],
        count: 1,
      },
    ],
  });
