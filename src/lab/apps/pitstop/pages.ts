import type { Customer, MaintenanceJob, Vehicle } from './data.js';

/** A customer as the API may tell it: version 2 adds the level. */
export type CustomerView = Customer & { readonly loyaltyLevel?: string };

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (char) => ESCAPES[char] ?? char);

/** Escapes what is put in, keeps what is written. */
function markup(parts: TemplateStringsArray, ...values: (string | Raw)[]): Raw {
  return new Raw(
    parts.reduce((text, part, i) => {
      const value = values[i - 1];
      return text + (value instanceof Raw ? value.text : escapeHtml(value ?? '')) + part;
    }),
  );
}

class Raw {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

const join = (parts: readonly Raw[]): Raw => new Raw(parts.map((part) => part.text).join('\n'));

function page(title: string, content: Raw): string {
  return `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>${escapeHtml(title)} - Pitstop</title></head>
<body>
<nav><a href="/">Pitstop</a> <a href="/CustomerManagement">Customers</a> <a href="/VehicleManagement">Vehicles</a> <a href="/WorkshopManagement">Workshop</a></nav>
<h1>${escapeHtml(title)}</h1>
${content.text}
</body>
</html>
`;
}

const table = (heads: readonly string[], rows: readonly Raw[]): Raw =>
  markup`<table>
<thead><tr>${join(heads.map((head) => markup`<th>${head}</th>`))}</tr></thead>
<tbody>
${join(rows)}
</tbody>
</table>`;

const row = (name: string, value: string | Raw): Raw => markup`<tr><th>${name}</th><td>${value}</td></tr>`;

export const homePage = (): string =>
  page('Garage management', markup`<p>Customers, their vehicles, and what the workshop does today.</p>`);

export const notFoundPage = (): string => page('Not found', markup`<p>There is no such page or record.</p>`);

/** What a visitor sees when an API does not answer; its status is 200, which is why status codes are no proof. */
export const offlinePage = (): string =>
  page('Sorry', markup`<p>The service is temporarily offline. Please try again later.</p>`);

export function customersPage(customers: readonly CustomerView[]): string {
  const rows = customers.map(
    ({ customerId, name, city }) =>
      markup`<tr><td><a href="/CustomerManagement/Details/${encodeURIComponent(customerId)}">${name}</a></td><td>${city}</td></tr>`,
  );
  return page(
    'Customers',
    markup`${table(['Name', 'City'], rows)}
<a href="/CustomerManagement/New">Register customer</a>`,
  );
}

export function customerPage(customer: CustomerView): string {
  const { loyaltyLevel: level } = customer;
  const rows = [
    row('Name', customer.name),
    row('Address', customer.address),
    row('Postal code', customer.postalCode),
    row('City', customer.city),
    row('Telephone number', customer.telephoneNumber),
    row('Email address', customer.emailAddress),
  ];
  if (level) {
    const image = markup`<img src="/images/medal-${encodeURIComponent(level)}.svg" alt="${level}" width="32" height="32">`;
    rows.push(row('LoyaltyLevel', markup`${image} ${level}`));
  }
  return page('Customer', table([], rows));
}

export function vehiclesPage(vehicles: readonly Vehicle[]): string {
  const rows = vehicles.map(
    ({ licenseNumber, brand, type }) =>
      markup`<tr><td><a href="/VehicleManagement/Details/${encodeURIComponent(licenseNumber)}">${licenseNumber}</a></td><td>${brand}</td><td>${type}</td></tr>`,
  );
  return page(
    'Vehicles',
    markup`${table(['License number', 'Brand', 'Type'], rows)}
<a href="/VehicleManagement/New">Register vehicle</a>`,
  );
}

export const vehiclePage = (vehicle: Vehicle, owner: string): string =>
  page(
    'Vehicle',
    table(
      [],
      [
        row('License number', vehicle.licenseNumber),
        row('Brand', vehicle.brand),
        row('Type', vehicle.type),
        row('Owner', owner),
      ],
    ),
  );

export function workshopPage(date: string, jobs: readonly MaintenanceJob[]): string {
  const rows = jobs.map(
    ({ id, startTime, endTime, licenseNumber, description }) =>
      markup`<tr><td>${startTime}</td><td>${endTime}</td><td>${licenseNumber}</td><td><a href="/WorkshopManagement/Details/${date}/${encodeURIComponent(id)}">${description}</a></td></tr>`,
  );
  return page(
    `Workshop planning ${date}`,
    markup`${table(['Start', 'End', 'Vehicle', 'Job'], rows)}
<a href="/WorkshopManagement/New">Register maintenance job</a>`,
  );
}

export const jobPage = (job: MaintenanceJob): string =>
  page(
    'Maintenance job',
    table(
      [],
      [
        row('Date', job.date),
        row('Start', job.startTime),
        row('End', job.endTime),
        row('Vehicle', job.licenseNumber),
        row('Description', job.description),
      ],
    ),
  );

interface Field {
  readonly name: string;
  readonly label: string;
  readonly value?: string;
  /** Makes it a selection of value and text. */
  readonly options?: readonly (readonly [value: string, text: string])[];
}

/** A form; `problem` tells why an earlier attempt was refused. */
export function formPage(title: string, action: string, fields: readonly Field[], problem?: string): string {
  const inputs = fields.map(({ name, label, value = '', options }) => {
    const input = options
      ? markup`<select name="${name}">${join(options.map(([key, text]) => markup`<option value="${key}">${text}</option>`))}</select>`
      : markup`<input name="${name}" value="${value}">`;
    return markup`<label>${label} ${input}</label><br>`;
  });
  return page(
    title,
    markup`${problem ? markup`<p role="alert">${problem}</p>` : ''}
<form method="post" action="${action}">
${join(inputs)}
<button type="submit">Save</button>
</form>`,
  );
}
