// The order of application, oldest first. One line a migration.
export { Roles2026112201000 } from './2026112201-roles.ts';
export { OutboxAndAccess2026112202000 } from './2026112202-outbox-and-access.ts';
export { Ledger2026112203000 } from './2026112203-ledger.ts';
export { PartiesAndAgreements2026112204000 } from './2026112204-parties-and-agreements.ts';
export { IntegrationsAndCredentials2026112205000 } from './2026112205-integrations-and-credentials.ts';
export { Runbooks2026112206000 } from './2026112206-runbooks.ts';
export { Revocation2026112207000 } from './2026112207-revocation.ts';
export { ExposuresAndIncidents2026112208000 } from './2026112208-exposures-and-incidents.ts';
export { Notices2026112209000 } from './2026112209-notices.ts';
export { PortfolioImport2026112210000 } from './2026112210-portfolio-import.ts';
export { WaysToStop2026112211000 } from './2026112211-ways-to-stop.ts';
export { PolicyAndGate2026112212000 } from './2026112212-policy-and-gate.ts';
export { Countersigning2026112213000 } from './2026112213-countersigning.ts';
export { TermsAndInventory2026112214000 } from './2026112214-terms-and-inventory.ts';
export { LargeDeliveries2026112215000 } from './2026112215-large-deliveries.ts';
export { OperatorRolesUnbound2026112216000 } from './2026112216-operator-roles-unbound.ts';
export { PeopleWhoAnswer2026112219000 } from './2026112219-people-who-answer.ts';
