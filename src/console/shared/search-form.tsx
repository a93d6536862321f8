import type { ComponentChildren } from 'preact';

/** What narrows a list: asked in the address, so that a search can be kept and sent on. */
export function SearchForm({
  action,
  label,
  searched = false,
  children,
}: {
  action: string;
  /** What is searched. */
  label: string;
  /** Whether the list is narrowed, so that there is a way back to all of it. */
  searched?: boolean;
  children: ComponentChildren;
}) {
  return (
    <form class="search" method="get" action={action} role="search" aria-label={label}>
      {children}
      <button type="submit">Show</button>
      {searched && (
        <a class="button plain" href={action}>
          Show all
        </a>
      )}
    </form>
  );
}

export function SearchField({
  name = 'q',
  label = 'Search',
  value,
  placeholder,
}: {
  name?: string;
  label?: string;
  value: string | undefined;
  placeholder: string;
}) {
  return (
    <label class="choice grow">
      <span>{label}</span>
      <input type="search" name={name} value={value ?? ''} placeholder={placeholder} />
    </label>
  );
}
