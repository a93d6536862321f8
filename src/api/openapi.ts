import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { usageEventJsonSchema } from '../domain/usage/usage.schema.ts';
import type { RegisteredRoute } from './admission.ts';

/** The OpenAPI 3.1 document of the API, made when first asked for, from the schemas that the handlers bind. */
export class OpenApi {
  #document: object | undefined;
  #make: () => object = () => ({});

  from(app: INestApplication, routes: () => readonly RegisteredRoute[]): void {
    this.#make = () => describe(app, routes());
  }

  document(): object {
    return (this.#document ??= this.#make());
  }
}

const PROBLEM = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'code', 'correlationId'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string' },
    correlationId: { type: 'string' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['field', 'problem', 'mend'],
        properties: {
          field: { type: 'string' },
          problem: { type: 'string' },
          mend: { type: 'string' },
          line: { type: 'integer' },
        },
      },
    },
    errorsLeftOut: { type: 'integer' },
  },
};

type Operation = {
  security?: object[];
  description?: string;
  parameters?: object[];
  responses?: Record<string, object>;
} & Record<string, unknown>;
type Paths = Record<string, Record<string, Operation>>;

const ETAG = {
  description: 'The version of what is answered, for the If-Match of the next edit',
  schema: { type: 'string' },
};

type Described = {
  headers?: object;
  content?: Record<string, { schema?: { $ref?: string; properties?: object } }>;
};

/** What has a version of its own is answered with its tag. */
function withTags(
  responses: Operation['responses'] = {},
  schemas: Record<string, object> = {},
): Record<string, object> {
  return Object.fromEntries(
    Object.entries(responses).map(([status, response]) => {
      const { content, headers } = response as Described;
      const schema = content?.['application/json']?.schema;
      const named = schema?.$ref && (schemas[schema.$ref.split('/').at(-1)!] as { properties?: object });
      const properties = (named || schema)?.properties ?? {};
      return [
        status,
        'rowVersion' in properties ? { ...response, headers: { ...headers, ETag: ETAG } } : response,
      ];
    }),
  );
}

function describe(app: INestApplication, routes: readonly RegisteredRoute[]): object {
  const config = new DocumentBuilder()
    .setTitle('Countersign')
    .setDescription('Supplier-credential governance and credential-incident response.')
    .setVersion('1')
    .setOpenAPIVersion('3.1.0')
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'An API token: cs_…' }, 'token')
    .build();
  const document = SwaggerModule.createDocument(app, config) as unknown as {
    paths: Paths;
    components: { schemas?: Record<string, object> };
  };
  document.components.schemas = {
    ...document.components.schemas,
    Problem: PROBLEM,
    UsageEvent: usageEventJsonSchema(),
  };
  const refusal = {
    description: 'Refused: RFC 9457',
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  };
  const paths: Paths = {};
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const url = path.replaceAll(/\{(\w+)\}/g, ':$1');
      const declared = routes.find(
        (route) => route.url === url && route.method === method.toUpperCase(),
      )?.declaration;
      // Pages are for people.
      if (!declared || declared.face !== 'api') continue;
      paths[path] ??= {};
      paths[path][method] = {
        ...operation,
        ...(declared.permission
          ? { security: [{ token: [] }], 'x-permission': declared.permission }
          : { description: operation.description ?? declared.open }),
        parameters: [
          ...(operation.parameters ?? []),
          ...(declared.idempotent
            ? [
                {
                  name: 'Idempotency-Key',
                  in: 'header',
                  required: false,
                  schema: { type: 'string', maxLength: 200 },
                },
              ]
            : []),
        ],
        responses: { ...withTags(operation.responses, document.components.schemas), default: refusal },
      };
    }
  }
  return { ...document, paths };
}
