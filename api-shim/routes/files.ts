import { z } from 'zod';
import { dispositionOf, fileReply, redirectTo } from '../files/download.ts';
import { etagOf } from '../files/etag.ts';
import { checkedPath, isWithin } from '../files/file-path.ts';
import { type FileInfo, type SessionFiles } from '../files/session-files.ts';
import { uploadBody, uploadForm as upload } from '../files/upload.ts';
import { route, type Route } from '../route.ts';
import {
  downloadQuery,
  fileBytes,
  fileLink,
  fileListing,
  filePathParams,
  LINK_FROM_BYTES,
  type ListedFile,
  listFilesQuery,
  uploadedFile,
  uploadForm,
  uploadQuery,
} from '../schemas/file.ts';
import { sessionPath } from '../schemas/session.ts';

const FILES = '/api/v1/sessions/{session_id}/files';
const FILE = `${FILES}/{+file_path}`;
const ANY_BYTES = 'application/octet-stream';
const UPLOADED = { status: 200, description: 'The file is there', schema: uploadedFile };
const WRITE_ERRORS = [
  'UnknownSession',
  'HistoryUnavailable',
  'InactiveSession',
  'SessionNotReady',
  'SessionSuspended',
  'InvalidFilePath',
  'FileTooLarge',
  'FileInTheWay',
  'DiskFull',
  'SandboxUnreachable',
  'SandboxMisbehaved',
] as const;
const READ_ERRORS = [
  'HistoryUnavailable',
  'FilesNotKept',
  'SessionNotReady',
  'SandboxUnreachable',
  'SandboxMisbehaved',
  'StorageUnavailable',
] as const;

export function fileRoutes(files: SessionFiles): readonly Route[] {
  return [...readRoutes(files), ...writeRoutes(files)];
}

function readRoutes(files: SessionFiles): readonly Route[] {
  return [
    route({
      id: 'listFiles',
      method: 'get',
      paths: [FILES],
      tag: 'files',
      summary: 'List the files of a session, folders deep, by name',
      description:
        'Of a live session they are in its sandbox, of an ended one in the object store.',
      input: z.object({ params: sessionPath, query: listFilesQuery }),
      success: { status: 200, description: 'The files', schema: fileListing },
      errors: ['UnknownSession', ...READ_ERRORS],
      handle: async ({ params, query }, context) => {
        const all = await files.list(params.session_id, context);
        const fitting = all.filter(({ path }) => isWithin(path, query.path ?? ''));
        const shown = fitting.map(presentFile).sort(byName).slice(0, query.limit);
        return { session_id: params.session_id, files: shown, count: shown.length };
      },
    }),
    route({
      id: 'downloadFile',
      method: 'get',
      paths: [FILE],
      tag: 'files',
      summary: 'Download a file',
      description:
        'From 10 MiB on the answer is JSON with a link, where the object store can give one that clients reach; otherwise the bytes.',
      input: z.object({ params: filePathParams, query: downloadQuery }),
      success: { status: 200, description: 'The bytes', schema: fileBytes, mediaType: '*/*' },
      alternatives: [
        { status: 200, description: 'A link to the bytes of a large file', schema: fileLink },
        { status: 206, description: 'The range', schema: fileBytes, mediaType: '*/*' },
        { status: 304, description: 'The client has it already' },
        { status: 307, description: 'Where the bytes of a large file are' },
        { status: 416, description: 'The file ends before that' },
      ],
      errors: ['SessionNotFound', 'FileNotFound', 'InvalidFilePath', 'Conflict', ...READ_ERRORS],
      handle: async ({ params, query }, context, request) => {
        const path = checkedPath(params.file_path);
        const file = await files.find(params.session_id, path, context);
        const isLarge = file.size >= LINK_FROM_BYTES && request.headers.range === undefined;
        const link = isLarge ? await file.link(dispositionOf(path)) : undefined;
        if (link === undefined) return fileReply(file, request, context);
        if (query.redirect === 'true') return redirectTo(link);
        const { session_id } = params;
        return { session_id, file_path: path, presigned_url: link, size: file.size };
      },
    }),
  ];
}

function writeRoutes(files: SessionFiles): readonly Route[] {
  return [
    route({
      id: 'uploadFile',
      method: 'post',
      paths: [`${FILES}/upload`],
      tag: 'files',
      summary: 'Upload a file of up to 100 MiB as a form',
      description: 'Replaces what is there. Folders on the way are made.',
      input: z.object({ params: sessionPath, query: uploadQuery }),
      streamedBody: { mediaTypes: ['multipart/form-data'], schema: uploadForm },
      success: UPLOADED,
      errors: WRITE_ERRORS,
      handle: async ({ params: { session_id }, query }, context, request) => {
        const wanted = query.path === undefined ? undefined : checkedPath(query.path);
        const writable = await files.writable(session_id, context);
        const { path, size } = await upload(writable, request, wanted);
        return { session_id, file_path: path, size };
      },
    }),
    route({
      id: 'putFile',
      method: 'put',
      paths: [FILE],
      tag: 'files',
      summary: 'Upload a file of up to 100 MiB as it is',
      input: z.object({ params: filePathParams }),
      streamedBody: { mediaTypes: [ANY_BYTES, '*/*'], schema: fileBytes },
      success: UPLOADED,
      errors: WRITE_ERRORS,
      handle: async ({ params: { session_id, file_path } }, context, request) => {
        const wanted = checkedPath(file_path);
        const writable = await files.writable(session_id, context);
        const { path, size } = await uploadBody(writable, request, wanted);
        return { session_id, file_path: path, size };
      },
    }),
    route({
      id: 'deleteFile',
      method: 'delete',
      paths: [FILE],
      tag: 'files',
      summary: 'Delete a file, or a folder with all that is in it',
      input: z.object({ params: filePathParams }),
      success: { status: 204, description: 'It is gone' },
      errors: ['FileNotFound', ...WRITE_ERRORS],
      handle: async ({ params: { session_id, file_path } }, context) => {
        const wanted = checkedPath(file_path);
        await (await files.writable(session_id, context)).remove(wanted);
      },
    }),
  ];
}

function presentFile(file: FileInfo): ListedFile {
  return {
    name: file.path,
    container_path: `/workspace/${file.path}`,
    size: file.size,
    modified_time: file.modifiedAt,
    etag: etagOf(file),
  };
}

function byName(one: ListedFile, other: ListedFile): number {
  return one.name < other.name ? -1 : 1;
}
