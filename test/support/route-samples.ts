import type { TestApp } from './app.ts';

/**
 * What the parameters of a route may be filled with so that it names something that exists and belongs to `partyId`: by the
 * route's address, e.g. `'/api/v1/integrations/:id': { id: integration.id }`. A route that an outside party may call, with
 * a parameter and without a sample here, fails the routes test: nobody would know whether it keeps parties apart.
 */
export type RouteSamples = Record<string, Record<string, string>>;

/** Makes the things that samples name. Each kind of thing adds its own line. */
export async function routeSamples(_world: TestApp, _partyId: string): Promise<RouteSamples> {
  return {};
}
