export interface Customer {
  readonly customerId: string;
  readonly name: string;
  readonly address: string;
  readonly postalCode: string;
  readonly city: string;
  readonly telephoneNumber: string;
  readonly emailAddress: string;
}

export interface Vehicle {
  readonly licenseNumber: string;
  readonly brand: string;
  readonly type: string;
  readonly ownerId: string;
}

export interface MaintenanceJob {
  readonly id: string;
  /** `yyyy-MM-dd` */
  readonly date: string;
  readonly startTime: string;
  readonly endTime: string;
  readonly description: string;
  readonly licenseNumber: string;
}

/** Stands for the databases that all versions of Pitstop's services share; empty at the start. */
export class PitstopData {
  readonly customers = new Map<string, Customer>();
  readonly vehicles = new Map<string, Vehicle>();
  readonly jobs = new Map<string, MaintenanceJob>();
}

/** Records of one kind beyond this are refused, so that a load of registrations cannot fill the memory. */
export const MAX_RECORDS = 10_000;

const fields = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};

const text = (value: unknown): string => (typeof value === 'string' ? value.trim().slice(0, 500) : '');

/** JSON of a request body; undefined when it is none. */
export function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** @returns undefined when id or name is missing. */
export function readCustomer(value: unknown): Customer | undefined {
  const from = fields(value);
  const customer: Customer = {
    customerId: text(from.customerId),
    name: text(from.name),
    address: text(from.address),
    postalCode: text(from.postalCode),
    city: text(from.city),
    telephoneNumber: text(from.telephoneNumber),
    emailAddress: text(from.emailAddress),
  };
  return customer.customerId && customer.name ? customer : undefined;
}

const LICENSE_NUMBER = /^[A-Za-z0-9]{1,4}-[A-Za-z0-9]{1,4}-[A-Za-z0-9]{1,4}$/;

/** @returns undefined when the license number is none (`AB-12-CD`). */
export function readVehicle(value: unknown): Vehicle | undefined {
  const from = fields(value);
  const vehicle: Vehicle = {
    licenseNumber: text(from.licenseNumber).toUpperCase(),
    brand: text(from.brand),
    type: text(from.type),
    ownerId: text(from.ownerId),
  };
  return LICENSE_NUMBER.test(vehicle.licenseNumber) ? vehicle : undefined;
}

/** @returns undefined when id or vehicle is missing. */
export function readJob(value: unknown, date: string): MaintenanceJob | undefined {
  const from = fields(value);
  const job: MaintenanceJob = {
    id: text(from.id),
    date,
    startTime: text(from.startTime),
    endTime: text(from.endTime),
    description: text(from.description),
    licenseNumber: text(from.licenseNumber).toUpperCase(),
  };
  return job.id && job.licenseNumber ? job : undefined;
}
