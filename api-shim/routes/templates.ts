import { z } from 'zod';
import { presentTemplate } from '../present-template.ts';
import { route, type Route } from '../route.ts';
import {
  createTemplateRequest,
  listTemplatesQuery,
  templateDeleted,
  templateList,
  templatePath,
  templateResponse,
  updateTemplateRequest,
} from '../schemas/template.ts';
import type { Templates } from '../templates.ts';

export function templateRoutes(templates: Templates): readonly Route[] {
  return [
    route({
      id: 'createTemplate',
      access: 'admin',
      method: 'post',
      paths: ['/api/v1/templates'],
      tag: 'templates',
      summary: 'Create a template',
      input: z.object({ body: createTemplateRequest }),
      success: { status: 201, description: 'The new template', schema: templateResponse },
      errors: ['TemplateExists', 'TemplateNameTaken', 'DependenciesNotSupported'],
      handle: async ({ body }, context) => presentTemplate(await templates.create(body, context)),
    }),
    route({
      id: 'listTemplates',
      method: 'get',
      paths: ['/api/v1/templates'],
      tag: 'templates',
      summary: 'List templates by name',
      input: z.object({ query: listTemplatesQuery }),
      success: { status: 200, description: 'Templates', schema: templateList },
      errors: [],
      handle: ({ query: { limit, offset } }) =>
        Promise.resolve(
          templates
            .list()
            .slice(offset, offset + limit)
            .map(presentTemplate),
        ),
    }),
    route({
      id: 'getTemplate',
      method: 'get',
      paths: ['/api/v1/templates/{template_id}'],
      tag: 'templates',
      summary: 'Get a template',
      input: z.object({ params: templatePath }),
      success: { status: 200, description: 'The template', schema: templateResponse },
      errors: ['TemplateNotFound'],
      handle: async ({ params }, context) =>
        presentTemplate(await templates.get(params.template_id, context)),
    }),
    route({
      id: 'updateTemplate',
      access: 'admin',
      method: 'put',
      paths: ['/api/v1/templates/{template_id}'],
      tag: 'templates',
      summary: 'Change a template',
      description:
        'Absent and null fields stay as they are. Sessions that exist keep what they were made from.',
      input: z.object({ params: templatePath, body: updateTemplateRequest }),
      success: { status: 200, description: 'The changed template', schema: templateResponse },
      errors: ['TemplateNotFound', 'TemplateNameTaken', 'DependenciesNotSupported', 'Conflict'],
      handle: async ({ params, body }, context) =>
        presentTemplate(await templates.update(params.template_id, body, context)),
    }),
    route({
      id: 'deleteTemplate',
      access: 'admin',
      method: 'delete',
      paths: ['/api/v1/templates/{template_id}'],
      tag: 'templates',
      summary: 'Delete a template',
      description: 'Also while sessions use it: they go on.',
      input: z.object({ params: templatePath }),
      success: { status: 200, description: 'Deleted', schema: templateDeleted },
      errors: ['TemplateNotFound', 'Conflict'],
      handle: async ({ params }, context) => {
        await templates.delete(params.template_id, context);
        return { message: 'Template deleted successfully' };
      },
    }),
  ];
}
