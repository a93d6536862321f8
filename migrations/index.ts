// The order of application, oldest first. One line a migration.
export { Roles2026112201000 } from './2026112201-roles.ts';
