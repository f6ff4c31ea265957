import type { SeedName } from '../scenario/types.js';
import type { HtmlForm } from './html.js';

/** Values of the URI list's variables that are known so far. */
export type Variables = Readonly<Record<string, string>>;

/** How one kind of record is found and created on Pitstop's pages. */
export interface SeedRecord {
  readonly name: SeedName;
  /** Must be there first. */
  readonly needs: SeedName | undefined;
  readonly listPath: string;
  readonly formPath: string;
  readonly registerPath: string;
  /** The variables that a link of the list page gives; undefined when it is no link to such a record. */
  read(link: URL): Variables | undefined;
  /** Form fields and their values. The part of a name behind its last dot is what counts, in any case. */
  fields(variables: Variables, today: string): Readonly<Record<string, string>>;
}

/** The last part of `<prefix>/<part>`, decoded. */
function lastPart(link: URL, prefix: string): string | undefined {
  const rest = link.pathname.startsWith(`${prefix}/`) ? link.pathname.slice(prefix.length + 1) : '';
  return rest === '' || rest.includes('/') ? undefined : decode(rest);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const DATE = /^\d{4}-\d{2}-\d{2}/;
const JOB_DETAILS = '/WorkshopManagement/Details';

export const SEED_RECORDS: Readonly<Record<SeedName, SeedRecord>> = {
  customer: {
    name: 'customer',
    needs: undefined,
    listPath: '/CustomerManagement',
    formPath: '/CustomerManagement/New',
    registerPath: '/CustomerManagement/Register',
    read(link) {
      const customerId = lastPart(link, '/CustomerManagement/Details');
      return customerId === undefined ? undefined : { customerId };
    },
    fields: () => ({
      'Customer.Name': 'Wanda Waage',
      'Customer.Address': 'Brueckenweg 1',
      'Customer.PostalCode': '1234 AB',
      'Customer.City': 'Eichstadt',
      'Customer.TelephoneNumber': '+31 20 1234567',
      'Customer.EmailAddress': 'wanda.waage@example.com',
    }),
  },
  vehicle: {
    name: 'vehicle',
    needs: 'customer',
    listPath: '/VehicleManagement',
    formPath: '/VehicleManagement/New',
    registerPath: '/VehicleManagement/Register',
    read(link) {
      const licenseNumber = lastPart(link, '/VehicleManagement/Details');
      return licenseNumber === undefined ? undefined : { licenseNumber };
    },
    fields: ({ customerId = '' }) => ({
      'Vehicle.LicenseNumber': 'WB-10-GE',
      'Vehicle.Brand': 'Volvo',
      'Vehicle.Type': 'V60',
      SelectedCustomerId: customerId,
    }),
  },
  maintenanceJob: {
    name: 'maintenanceJob',
    needs: 'vehicle',
    listPath: '/WorkshopManagement',
    formPath: '/WorkshopManagement/New',
    registerPath: '/WorkshopManagement/RegisterMaintenanceJob',
    /** Date and id are query parameters or parts of the path, in any order. */
    read(link) {
      if (link.pathname !== JOB_DETAILS && !link.pathname.startsWith(`${JOB_DETAILS}/`)) return undefined;
      const parts = [
        ...link.pathname.slice(JOB_DETAILS.length).split('/').filter(Boolean).map(decode),
        ...link.searchParams.values(),
      ];
      const planningDate = parts.find((part) => DATE.test(part));
      const jobId = parts.find((part) => part !== '' && part !== planningDate);
      if (jobId === undefined) return undefined;
      return planningDate === undefined ? { jobId } : { jobId, planningDate: planningDate.slice(0, 10) };
    },
    fields: ({ licenseNumber = '' }, today) => ({
      Date: today,
      StartTime: '08:00',
      EndTime: '10:00',
      Description: 'Weighing',
      SelectedVehicleLicenseNumber: licenseNumber,
    }),
  },
};

/** Fields that keep what the form proposes, since the application knows its own formats and opening hours. */
const PROPOSED = new Set(['date', 'starttime', 'endtime']);

const lastName = (field: string): string => field.slice(field.lastIndexOf('.') + 1).toLowerCase();

/** What to send: the page's own fields filled in by name, so that hidden ones are kept; without a form, the names known to us. */
export function fillForm(form: HtmlForm | undefined, values: Readonly<Record<string, string>>): Record<string, string> {
  if (!form || form.fields.size === 0) return { ...values };
  const byName = new Map(Object.entries(values).map(([name, value]) => [lastName(name), value]));
  return Object.fromEntries(
    [...form.fields].map(([name, proposed]) => {
      const key = lastName(name);
      const value = byName.get(key);
      return [name, value === undefined || (proposed !== '' && PROPOSED.has(key)) ? proposed : value];
    }),
  );
}
