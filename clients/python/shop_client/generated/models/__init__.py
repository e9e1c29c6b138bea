""" Contains all the data models used in inputs/outputs """

from .account_body import AccountBody
from .account_page import AccountPage
from .account_status_form import AccountStatusForm
from .benefit_form import BenefitForm
from .benefit_kind import BenefitKind
from .cancellation_form import CancellationForm
from .catalog_changes_body import CatalogChangesBody
from .category_body import CategoryBody
from .category_form import CategoryForm
from .category_in_copy import CategoryInCopy
from .category_page import CategoryPage
from .category_patch import CategoryPatch
from .condition_form import ConditionForm
from .counted import Counted
from .coupon_body import CouponBody
from .coupon_form import CouponForm
from .coupon_of_order import CouponOfOrder
from .coupon_page import CouponPage
from .credentials_form import CredentialsForm
from .different_range_body import DifferentRangeBody
from .discount_body import DiscountBody
from .email_code_form import EmailCodeForm
from .email_form import EmailForm
from .erasure_form import ErasureForm
from .expired_problem import ExpiredProblem
from .explanation_body import ExplanationBody
from .extension_form import ExtensionForm
from .family_body import FamilyBody
from .family_form import FamilyForm
from .family_of_product import FamilyOfProduct
from .family_page import FamilyPage
from .family_patch import FamilyPatch
from .field_error import FieldError
from .image_body import ImageBody
from .image_patch import ImagePatch
from .image_size_body import ImageSizeBody
from .invalid_problem import InvalidProblem
from .known_range_form import KnownRangeForm
from .line_form import LineForm
from .low_stock_form import LowStockForm
from .missing_body import MissingBody
from .movement_kind import MovementKind
from .new_coupons_body import NewCouponsBody
from .order_body import OrderBody
from .order_changes_body import OrderChangesBody
from .order_changes_form import OrderChangesForm
from .order_event_body import OrderEventBody
from .order_event_kind import OrderEventKind
from .order_event_page import OrderEventPage
from .order_form import OrderForm
from .order_line_body import OrderLineBody
from .order_line_body_options import OrderLineBodyOptions
from .order_page import OrderPage
from .order_record_body import OrderRecordBody
from .order_redemption_body import OrderRedemptionBody
from .order_status import OrderStatus
from .password_form import PasswordForm
from .personal_data_body import PersonalDataBody
from .placement_form import PlacementForm
from .problem import Problem
from .product_body import ProductBody
from .product_body_options import ProductBodyOptions
from .product_form import ProductForm
from .product_form_options import ProductFormOptions
from .product_page import ProductPage
from .product_patch import ProductPatch
from .product_patch_options import ProductPatchOptions
from .product_sort import ProductSort
from .profile_form import ProfileForm
from .promotion_body import PromotionBody
from .promotion_form import PromotionForm
from .promotion_page import PromotionPage
from .promotion_patch import PromotionPatch
from .quote_body import QuoteBody
from .quote_form import QuoteForm
from .redemption_body import RedemptionBody
from .redemption_page import RedemptionPage
from .refresh_form import RefreshForm
from .registration_form import RegistrationForm
from .reservation_body import ReservationBody
from .reservation_form import ReservationForm
from .reservation_page import ReservationPage
from .reservation_problem import ReservationProblem
from .reservation_state import ReservationState
from .reserved_line_body import ReservedLineBody
from .reserved_too_much_problem import ReservedTooMuchProblem
from .reset_body import ResetBody
from .reset_form import ResetForm
from .role import Role
from .selection_form import SelectionForm
from .session_body import SessionBody
from .sessions_body import SessionsBody
from .shortage_body import ShortageBody
from .shortage_problem import ShortageProblem
from .sku_problem import SkuProblem
from .stale_problem import StaleProblem
from .status_body import StatusBody
from .step_problem import StepProblem
from .stock_change_form import StockChangeForm
from .stock_change_kind import StockChangeKind
from .stock_level_body import StockLevelBody
from .stock_movement_body import StockMovementBody
from .stock_movement_page import StockMovementPage
from .tagged_order_body import TaggedOrderBody
from .tax_body import TaxBody
from .tax_rate_form import TaxRateForm
from .tax_rates_form import TaxRatesForm
from .tokens_body import TokensBody
from .total_problem import TotalProblem
from .user_body import UserBody
from .why_not import WhyNot

__all__ = (
    "AccountBody",
    "AccountPage",
    "AccountStatusForm",
    "BenefitForm",
    "BenefitKind",
    "CancellationForm",
    "CatalogChangesBody",
    "CategoryBody",
    "CategoryForm",
    "CategoryInCopy",
    "CategoryPage",
    "CategoryPatch",
    "ConditionForm",
    "Counted",
    "CouponBody",
    "CouponForm",
    "CouponOfOrder",
    "CouponPage",
    "CredentialsForm",
    "DifferentRangeBody",
    "DiscountBody",
    "EmailCodeForm",
    "EmailForm",
    "ErasureForm",
    "ExpiredProblem",
    "ExplanationBody",
    "ExtensionForm",
    "FamilyBody",
    "FamilyForm",
    "FamilyOfProduct",
    "FamilyPage",
    "FamilyPatch",
    "FieldError",
    "ImageBody",
    "ImagePatch",
    "ImageSizeBody",
    "InvalidProblem",
    "KnownRangeForm",
    "LineForm",
    "LowStockForm",
    "MissingBody",
    "MovementKind",
    "NewCouponsBody",
    "OrderBody",
    "OrderChangesBody",
    "OrderChangesForm",
    "OrderEventBody",
    "OrderEventKind",
    "OrderEventPage",
    "OrderForm",
    "OrderLineBody",
    "OrderLineBodyOptions",
    "OrderPage",
    "OrderRecordBody",
    "OrderRedemptionBody",
    "OrderStatus",
    "PasswordForm",
    "PersonalDataBody",
    "PlacementForm",
    "Problem",
    "ProductBody",
    "ProductBodyOptions",
    "ProductForm",
    "ProductFormOptions",
    "ProductPage",
    "ProductPatch",
    "ProductPatchOptions",
    "ProductSort",
    "ProfileForm",
    "PromotionBody",
    "PromotionForm",
    "PromotionPage",
    "PromotionPatch",
    "QuoteBody",
    "QuoteForm",
    "RedemptionBody",
    "RedemptionPage",
    "RefreshForm",
    "RegistrationForm",
    "ReservationBody",
    "ReservationForm",
    "ReservationPage",
    "ReservationProblem",
    "ReservationState",
    "ReservedLineBody",
    "ReservedTooMuchProblem",
    "ResetBody",
    "ResetForm",
    "Role",
    "SelectionForm",
    "SessionBody",
    "SessionsBody",
    "ShortageBody",
    "ShortageProblem",
    "SkuProblem",
    "StaleProblem",
    "StatusBody",
    "StepProblem",
    "StockChangeForm",
    "StockChangeKind",
    "StockLevelBody",
    "StockMovementBody",
    "StockMovementPage",
    "TaggedOrderBody",
    "TaxBody",
    "TaxRateForm",
    "TaxRatesForm",
    "TokensBody",
    "TotalProblem",
    "UserBody",
    "WhyNot",
)
