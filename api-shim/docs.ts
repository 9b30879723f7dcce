import express, { Router, type Response } from 'express';
import type { ApiLocals } from './request-tracing.ts';
import { elapsedHeader } from './request-tracing.ts';

/** Everything comes from this server; Swagger UI styles elements inline, and shows its icons as data. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'";

const ASSETS = ['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png'];

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <title>Sandbox Control Plane</title>
    <link rel="stylesheet" href="/docs/swagger-ui.css" />
    <link rel="icon" type="image/png" href="/docs/favicon-32x32.png" />
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>
`;

/** A file of its own, so that the policy needs no inline script. Without a validator: that would send the document to a stranger. */
const START = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#swagger-ui', deepLinking: true, validatorUrl: null, tryItOutEnabled: true });
`;

/** Swagger UI at /docs and the document at /openapi.json, made when it is first asked for; `assetFolder` is that of the package swagger-ui-dist. */
export function documentation(createDocument: () => object, assetFolder: string): Router {
  const router = Router();
  let text: string | undefined;
  router.get('/openapi.json', (_request, response: Response<unknown, ApiLocals>) => {
    text ??= JSON.stringify(createDocument());
    elapsedHeader(response);
    response.type('application/json').send(text);
  });
  router.use('/docs', (_request, response: Response<unknown, ApiLocals>, next) => {
    elapsedHeader(response);
    response.set('Content-Security-Policy', PAGE_POLICY);
    next();
  });
  router.get('/docs', (_request, response) => void response.type('html').send(PAGE));
  router.get('/docs/start.js', (_request, response) => void response.type('js').send(START));
  const files = express.static(assetFolder, { index: false, redirect: false });
  router.get(
    ASSETS.map((name) => `/docs/${name}`),
    (request, response, next) => {
      request.url = request.url.slice('/docs'.length);
      files(request, response, next);
    },
  );
  return router;
}
