import { z } from 'zod';
import {
  createDocument,
  type CreateDocumentOptions,
  type ZodOpenApiContentObject,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
  type ZodOpenApiResponseObject,
  type ZodOpenApiResponsesObject,
} from 'zod-openapi';
import { ApiError, errorBody, ERRORS, type ErrorCode } from './errors.ts';
import type { Route, Success } from './route.ts';
import { errorResponse } from './schemas/error.ts';
import { examplesOf } from './schemas/fields.ts';

/** What any endpoint can answer. */
const EVERYWHERE: readonly ErrorCode[] = [
  'MalformedUrl',
  'ForeignOrigin',
  'RefusedByCluster',
  'UnknownHost',
  'Unauthenticated',
  'RoleTooSmall',
  'TooManyRequests',
  'Internal',
  'Unavailable',
];
const WITH_INPUT: readonly ErrorCode[] = ['InvalidRequest'];
const WITH_BODY: readonly ErrorCode[] = [
  'MalformedJson',
  'UnsupportedMediaType',
  'BodyTooLarge',
  'MissingLength',
  'InvalidForCluster',
];

const headers = z.object({
  'X-Request-ID': z.string().meta({
    description: "The client's own, if it sent one that is fit to be repeated.",
    header: { id: 'X-Request-ID' },
  }),
  'X-Process-Time': z.string().meta({
    description: 'Seconds until the answer, with three decimals.',
    header: { id: 'X-Process-Time' },
  }),
});

const TAGS = [
  { name: 'health', description: 'Whether it lives.' },
  {
    name: 'sessions',
    description: 'Isolated sandboxes that stay until they are unused, terminated or deleted.',
  },
  { name: 'executions', description: 'Runs of code in a session.' },
  { name: 'containers', description: 'What sessions run in.' },
  { name: 'files', description: 'What is in the workspace of a session.' },
  { name: 'templates', description: 'What sessions are made from.' },
];

/** The OpenAPI 3.1 document of `routes`, made from the schemas that check their input. */
export function openApiDocument(
  routes: readonly Route[],
  { version, authenticates }: { version: string; authenticates: boolean },
): ReturnType<typeof createDocument> {
  return createDocument(
    {
      openapi: '3.1.0',
      info: {
        title: 'Sandbox Control Plane',
        version,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
        description: DESCRIPTION,
      },
      servers: [{ url: '/' }],
      tags: TAGS,
      security: authenticates ? SECRETS : [...SECRETS, {}],
      paths: pathsOf(routes),
      components: { securitySchemes: SECURITY_SCHEMES },
    },
    { override: keepDefault },
  );
}

/** A key goes into either header, a Kubernetes token only into the first. */
const SECURITY_SCHEMES = {
  bearer: { type: 'http', scheme: 'bearer', description: 'A key, or a Kubernetes token.' },
  apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'A key.' },
} as const;
const SECRETS = [{ bearer: [] }, { apiKey: [] }];

const DESCRIPTION =
  'Runs untrusted code in isolated sandboxes. ' +
  'Every answer carries X-Request-ID and X-Process-Time; every error has one shape.';

/** zod leaves out the default of an input that it transforms, because it is no input; for a reader it is one. */
const keepDefault: NonNullable<CreateDocumentOptions['override']> = ({
  jsonSchema,
  zodSchema,
  io,
}) => {
  const { def } = zodSchema._zod;
  if (io === 'input' && def.type === 'default') jsonSchema.default = def.defaultValue;
};

/** A schema as the content of a message, with its first example. */
function contentOf(schema: z.ZodType, mediaType = 'application/json'): ZodOpenApiContentObject {
  const [example] = examplesOf(schema);
  return { [mediaType]: { schema, ...(example === undefined ? {} : { example }) } };
}

/** An example of each error, so that a reader sees what to tell apart. */
function errorContent(codes: readonly ErrorCode[]): ZodOpenApiContentObject {
  const exampleOf = (code: ErrorCode): object => {
    const message = code.replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ');
    return {
      value: errorBody(new ApiError(code, message), '3e6f1c9a-5f0e-4c55-9d1c-6a55e1b0c7de'),
    };
  };
  const examples = Object.fromEntries(codes.map((code) => [code, exampleOf(code)]));
  return { 'application/json': { schema: errorResponse, examples } };
}

function pathsOf(routes: readonly Route[]): ZodOpenApiPathsObject {
  const paths: ZodOpenApiPathsObject = {};
  for (const documented of routes) {
    for (const [index, served] of documented.paths.entries()) {
      const path = served.replaceAll('{+', '{');
      const id = index === 0 ? documented.id : `${documented.id}${String(index + 1)}`;
      paths[path] = { ...paths[path], [documented.method]: operationOf(documented, id) };
    }
  }
  return paths;
}

function operationOf(documented: Route, operationId: string): ZodOpenApiOperationObject {
  const { tag, summary, description, input } = documented;
  return {
    operationId,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    ...(documented.access === 'open' ? { security: [] } : {}),
    requestParams: {
      ...(input.params === undefined ? {} : { path: input.params }),
      ...(input.query === undefined ? {} : { query: input.query }),
      ...(input.header === undefined ? {} : { header: input.header }),
    },
    ...requestBodyOf(documented),
    responses: { ...errorsOf(documented), ...successesOf(documented) },
  };
}

function requestBodyOf({
  input: { body },
  streamedBody,
}: Route): Pick<ZodOpenApiOperationObject, 'requestBody'> {
  if (body !== undefined) return { requestBody: { required: true, content: contentOf(body) } };
  if (streamedBody === undefined) return {};
  const { mediaTypes, schema } = streamedBody;
  const contents = mediaTypes.map((mediaType) => contentOf(schema, mediaType));
  return { requestBody: { required: true, content: merged(contents) } };
}

/** Answers of one status are one entry of the document, whatever their media types. */
function successesOf({ success, alternatives = [] }: Route): ZodOpenApiResponsesObject {
  const byStatus = Map.groupBy([success, ...alternatives], ({ status }) => String(status));
  return Object.fromEntries([...byStatus].map(([status, same]) => [status, successOf(same)]));
}

function successOf(same: readonly Success[]): ZodOpenApiResponseObject {
  const contents = same.flatMap(({ schema, mediaType }) =>
    schema === undefined ? [] : [contentOf(schema, mediaType)],
  );
  const own = same.flatMap((success) => success.headers ?? []);
  return {
    description: same.map(({ description }) => description).join('. Or: '),
    headers: own.reduce<z.ZodObject>((all, more) => all.extend(more.shape), headers),
    ...(contents.length === 0 ? {} : { content: merged(contents) }),
  };
}

function merged(contents: readonly ZodOpenApiContentObject[]): ZodOpenApiContentObject {
  return Object.fromEntries(contents.flatMap((content) => Object.entries(content)));
}

function errorsOf({ errors, input, streamedBody }: Route): ZodOpenApiResponsesObject {
  const hasInput = Object.keys(input).length > 0;
  const codes: readonly ErrorCode[] = [
    ...errors,
    ...EVERYWHERE,
    ...(hasInput ? WITH_INPUT : []),
    ...(input.body === undefined ? [] : WITH_BODY),
    ...(streamedBody === undefined ? [] : (['UnsupportedMediaType'] as const)),
  ];
  const statuses = [...new Set(codes.map((code) => ERRORS[code].status))];
  const responseOf = (status: number): ZodOpenApiResponseObject => {
    const ofStatus = codes.filter((code) => ERRORS[code].status === status);
    return { description: ofStatus.join(', '), headers, content: errorContent(ofStatus) };
  };
  return Object.fromEntries(statuses.map((status) => [String(status), responseOf(status)]));
}
