-- 发放滞后:晚于应发期限发放,或已过期限仍未发放(计至该日)。
-- Paid after the last day for it, or past that day and not paid; counted up to the day.
SELECT entitlement.student_id,
       payee.name_masked AS name,
       entitlement.school_code,
       entitlement.programme,
       entitlement.term,
       entitlement.amount_fen,
       entitlement.pay_by,
       payment.paid_on,
       coalesce(payment.paid_on, CAST(:true_on AS date)) - entitlement.pay_by AS days_late,
       array_remove(
           array['disbursement#' || entitlement.log_index, 'disbursement#' || payment.log_index], NULL
       ) AS evidence
FROM payments_entitlements AS entitlement
LEFT JOIN payments_payments AS payment
    ON payment.entity = entitlement.entity AND payment.valid_from <= :true_on AND payment.valid_to > :true_on
   AND payment.paid_on <= :true_on
LEFT JOIN payments_payees AS payee
    ON payee.entity = entitlement.student_id AND payee.valid_from <= :true_on AND payee.valid_to > :true_on
WHERE entitlement.valid_from <= :true_on AND entitlement.valid_to > :true_on
  AND (entitlement.granted OR payment.paid_on IS NOT NULL)
  AND coalesce(payment.paid_on, CAST(:true_on AS date)) - entitlement.pay_by >= :days
ORDER BY days_late DESC, entitlement.school_code, entitlement.student_id, entitlement.term, entitlement.programme
