import type { SupplierView } from '../control/schema.ts';
export function connectorPresets(suppliers: SupplierView[]): object[] {
  return suppliers;
}
