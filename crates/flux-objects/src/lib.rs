//! Object identity, inventory, apply order, normalisation, difference and masking.
