/** The roles of the database. They belong to the server, not to one database on it; policies name them. */
export type RoleName = 'countersign_admin' | 'countersign_owner' | 'countersign_app';

/** Superuser of the embedded server. Only bootstraps: no application and no test works as it. */
export const ADMIN = 'countersign_admin' satisfies RoleName;
/** Migrates and owns every object. */
export const OWNER = 'countersign_owner' satisfies RoleName;
/** Runs: no superuser, no BYPASSRLS, owns nothing. */
export const APP = 'countersign_app' satisfies RoleName;
