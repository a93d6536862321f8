import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Principal } from '../../kernel/principal.ts';
import type { Permission } from './permissions.ts';

/**
 * How a route is reached. `api`: a bearer token, never a cookie. `console`: a session cookie, and a CSRF token on everything
 * that changes something. `outside`: the link of a mail, with its own proof in its own forms.
 */
export type Face = 'api' | 'console' | 'outside';

/**
 * What a route expects as its body. `raw`: the bytes, unread. `stream`: the request itself, for the handler to pull.
 * `upload`: a form with files; its fields are texts and bytes.
 */
export type BodyKind = 'json' | 'form' | 'upload' | 'raw' | 'stream';

/** What a route says of itself; boot refuses one that says neither `permission` nor `open`. */
export interface RouteDeclaration {
  face: Face;
  permission?: Permission;
  /** Why the route needs no permission. */
  open?: string;
  /** Open to those alone whom the door of machines lets in, before their body is read. */
  machines?: boolean;
  /** Also answered by a process that only works: its supervisor asks, too. */
  everyProcess?: boolean;
  body?: BodyKind;
  /** Bytes. */
  bodyLimit?: number;
  /** Requests a minute from one caller (the token, the session's user, else the address). */
  perMinute?: number;
  /** A POST that creates: repeated under the same Idempotency-Key it answers as before. */
  idempotent?: 'replay' | 'once';
}

/** The request's own record of a declaration: Fastify's route config under this name. */
export interface RouteConfig {
  countersign?: RouteDeclaration;
}

// Nest hands this metadata of a handler to Fastify as the route's `config`, where hooks before the handler can read it.
const FASTIFY_ROUTE_CONFIG = '__fastify_route_config__';

function declare(patch: Partial<RouteDeclaration>): MethodDecorator {
  return (_target, _name, descriptor) => {
    const handler = descriptor.value as object;
    const known = (Reflect.getMetadata(FASTIFY_ROUTE_CONFIG, handler) as RouteConfig | undefined)
      ?.countersign;
    const config: RouteConfig = { countersign: { face: 'api', ...known, ...patch } };
    Reflect.defineMetadata(FASTIFY_ROUTE_CONFIG, config, handler);
  };
}

/** The declaration of a handler, if it has one. */
export function declarationOf(handler: object): RouteDeclaration | undefined {
  return (Reflect.getMetadata(FASTIFY_ROUTE_CONFIG, handler) as RouteConfig | undefined)?.countersign;
}

/** The route is for those who hold this permission. A page says `{ face: 'console' }`. */
export function Permission(permission: Permission, more: { face?: Face } = {}): MethodDecorator {
  return declare({ permission, open: undefined, ...more });
}

/** The route answers in every process, whatever its role. */
export function EveryProcess(): MethodDecorator {
  return declare({ everyProcess: true });
}

/** The route is for anybody, for a reason that a reviewer can judge. */
export function Public(more: { why: string; face?: Face; machines?: boolean }): MethodDecorator {
  const { why, ...rest } = more;
  return declare({ open: why, permission: undefined, ...rest });
}

/** What the route takes as its body; without it an API route takes JSON of up to 1 MB, a page a form. */
export function Takes(body: BodyKind, more: { limit?: number } = {}): MethodDecorator {
  return declare({ body, ...(more.limit === undefined ? {} : { bodyLimit: more.limit }) });
}

/** At most so many requests a minute from one caller. */
export function PerMinute(perMinute: number): MethodDecorator {
  return declare({ perMinute });
}

/**
 * A POST that creates takes an Idempotency-Key: the same key and body get the first answer again, another body under the
 * same key is refused. `once`: the answer shows something that is never stored, so a repeat is refused, too.
 */
export function Idempotent(kind: 'replay' | 'once' = 'replay'): MethodDecorator {
  return declare({ idempotent: kind });
}

/** What the edge puts on a request once it knows who asks. */
export interface Asked {
  principal?: Principal;
}

/** Who asks. Behind `@Permission` always somebody. */
export const By = createParamDecorator((_: unknown, context: ExecutionContext): Principal => {
  const { principal } = context.switchToHttp().getRequest<Asked>();
  if (!principal) throw new Error('a public route asked who is there');
  return principal;
});
